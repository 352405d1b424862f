"""The Chalice app: registers the blueprints and the one shape of errors, and nothing else."""

import os
from importlib import import_module

from chalice import Chalice

from chalicelib.entrypoints.http import in_one_shape

app = Chalice(app_name="lazo")
app.register_middleware(in_one_shape, "http")

WEB = ("events", "customers", "access", "cases", "pages", "trends", "export", "openapi")
CONSUMERS = ("consumers", "project", "publish", "files", "audit")
SERVED = {"pages": ("customers",), "web": WEB}
"""What each function of the API is asked for, as the stack names it: its start loads nothing else."""

for name in SERVED.get(os.environ.get("SERVES", ""), (*WEB, *CONSUMERS)):
    app.register_blueprint(import_module(f"chalicelib.entrypoints.{name}").bp)
