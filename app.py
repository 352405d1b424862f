"""The Chalice app: registers the blueprints and the one shape of errors, and nothing else."""

from chalice import Chalice

from chalicelib.entrypoints import (
    access,
    audit,
    cases,
    consumers,
    customers,
    events,
    export,
    files,
    openapi,
    pages,
    project,
    publish,
    trends,
)
from chalicelib.entrypoints.http import in_one_shape

app = Chalice(app_name="lazo")
app.register_middleware(in_one_shape, "http")

WEB = (events, customers, access, cases, pages, trends, export, openapi)
CONSUMERS = (consumers, project, publish, files, audit)

for module in (*WEB, *CONSUMERS):
    app.register_blueprint(module.bp)
