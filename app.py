"""The Chalice app: registers the blueprints, and nothing else."""

from chalice import Chalice

from chalicelib.entrypoints import (
    access,
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

app = Chalice(app_name="lazo")

WEB = (events, customers, access, cases, pages, trends, export, openapi)
CONSUMERS = (consumers, project, publish, files)

for module in (*WEB, *CONSUMERS):
    app.register_blueprint(module.bp)
