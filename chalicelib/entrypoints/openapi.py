"""Describe the API to programs, as OpenAPI 3.1; what it says is generated from the code that answers."""

import json
from functools import cache
from typing import Any

from chalice import Blueprint, Response

from chalicelib.entrypoints.http import JSON

bp = Blueprint(__name__)

PATH = "/api/v1/openapi.json"


@bp.route(PATH, methods=["GET"])
def openapi() -> Response:
    """Answer with the description; whoever asks, for it tells nothing of the company."""
    headers = {**JSON, "Cache-Control": "public, max-age=300"}
    return Response(json.dumps(description(), ensure_ascii=False), headers=headers, status_code=200)


@cache
def description() -> dict[str, Any]:
    """Return the description, built at its first use."""
    from chalicelib.entrypoints import described  # here, so that only who asks for it pays for it

    return described.description()
