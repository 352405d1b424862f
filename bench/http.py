"""Ask the app as API Gateway does."""

from typing import Any
from urllib.parse import urlencode

PRESSED = {"sec-fetch-site": "same-origin", "sec-fetch-user": "?1", "content-type": "application/x-www-form-urlencoded"}
"""What a browser says of a person's press."""

BROWSER = {"user-agent": "Mozilla/5.0 (Linux; Android 14) Chrome/156.0", "accept-language": "es-CO,es;q=0.9"}

Json = dict[str, Any]


def request(
    method: str,
    resource: str,
    path: dict[str, str],
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    body: str | None = None,
) -> Json:
    """Return the event of one request to a route of the app."""
    sent = {**BROWSER, **(headers or {})}
    return {
        "resource": resource,
        "path": resource.format(**path),
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": path or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "stage": "api",
            "protocol": "HTTP/1.1",
            "httpMethod": method,
            "resourcePath": resource,
            "path": resource.format(**path),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": BROWSER["user-agent"]},
        },
        "body": urlencode(form) if form else body,
        "isBase64Encoded": False,
    }
