"""The Chalice app: registers the blueprints, and nothing else."""

from chalice import Chalice

from chalicelib.entrypoints import access, cases, consumers, customers, events, project, trends

app = Chalice(app_name="lazo")

for module in (events, customers, access, cases, trends, consumers, project):
    app.register_blueprint(module.bp)
