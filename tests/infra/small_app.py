"""A small app with every trigger that the overlay patches, to be packaged in tests."""

import shutil
from pathlib import Path

from infra.aws.package import PROJECT

APP = """
from chalice import Chalice
from chalicelib.triggers import bp

app = Chalice(app_name="lazo")
app.register_blueprint(bp)
"""

TRIGGERS = """
from chalice import Blueprint, Cron, Rate

bp = Blueprint(__name__)
QUEUE = "arn:aws:sqs:us-east-1:000000000000:placeholder"


@bp.route("/s/{token}", methods=["GET", "HEAD", "POST"])
def page(token):
    return {}


@bp.route("/s/{token}/{rating}", methods=["GET", "HEAD"])
def rated_page(token, rating):
    return {}


@bp.route("/u/{token}", methods=["GET", "HEAD", "POST"])
def stop(token):
    return {}


@bp.route("/privacy/{token}", methods=["GET", "HEAD", "POST"])
def privacy(token):
    return {}


@bp.route("/q/{token}", methods=["GET", "HEAD"])
def counter(token):
    return {}


@bp.route("/q/{token}/{nonce}", methods=["GET", "HEAD", "POST"])
def counter_page(token, nonce):
    return {}


@bp.on_sqs_message(queue_arn=QUEUE, name="intake")
def intake(event):
    return {}


@bp.on_sqs_message(queue_arn=QUEUE, name="due")
def due(event):
    return {}


@bp.on_sqs_message(queue_arn=QUEUE, name="views")
def views(event):
    return {}


@bp.on_dynamodb_record(stream_arn="arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s", name="project")
def project(event):
    return {}


@bp.on_dynamodb_record(stream_arn="arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s", name="publish")
def publish(event):
    return {}


@bp.on_sqs_message(queue_arn=QUEUE, batch_size=1, name="webhooks")
def webhooks(event):
    return {}


@bp.on_sqs_message(queue_arn=QUEUE, batch_size=1000, name="files")
def files(event):
    return {}


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event):
    return {}


@bp.schedule(Cron(17, 8, "*", "*", "?", "*"), name="parquet")
def parquet(event):
    return None


@bp.schedule(Rate(5, unit=Rate.MINUTES), name="audit")
def audit(event):
    return {}


@bp.on_sns_message(topic="arn:aws:sns:us-east-1:000000000000:placeholder", name="receipts")
def receipts(event):
    return {}
"""


def make(folder: Path) -> Path:
    """Write the app with the project's own configuration and overlay; return its folder."""
    (folder / "chalicelib/templates").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "chalicelib/__init__.py").write_text("")
    (folder / "chalicelib/triggers.py").write_text(TRIGGERS)
    (folder / "chalicelib/templates/mail.html").write_text("<p>{{ greeting }}</p>")
    (folder / "chalicelib/templates/mail.mjml").write_text("<mjml></mjml>")
    (folder / ".chalice").mkdir()
    for name in ("config.json", "policy.json"):
        shutil.copy(PROJECT / ".chalice" / name, folder / ".chalice" / name)
    shutil.copytree(PROJECT / "infra/aws/stages", folder / "infra/aws/stages")
    shutil.copy(PROJECT / "infra/aws/overlay.yaml", folder / "infra/aws/overlay.yaml")
    return folder
