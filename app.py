"""The Chalice app: registers the blueprints and the one shape of errors, and nothing else."""

import os

from chalicelib.entrypoints.http import in_one_shape
from chalicelib.entrypoints.late import LateChalice

app = LateChalice(app_name="lazo")
app.register_middleware(in_one_shape, "http")

CUSTOMERS = ("customers",)
OTHERS = ("events", "access", "cases", "trends", "export", "openapi", "pages")
CONSUMERS = ("consumers", "project", "publish", "files", "parquet", "audit")

match os.environ.get("SERVES"):  # as the stack tells each function of the API
    case "pages":
        app.serve(CUSTOMERS)
    case "web":
        app.serve(CUSTOMERS, later=OTHERS)
    case _:
        app.serve((*CUSTOMERS, *OTHERS, *CONSUMERS))
