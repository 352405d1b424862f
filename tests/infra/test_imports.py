"""Each function starts with its own part: what it does not do, it does not load."""

import json
import subprocess
import sys

import pytest

from infra.aws.package import PROJECT

WEB = ("app", "chalicelib.adapters.desk", "chalicelib.adapters.pages", "chalicelib.entrypoints.visit")
MAIL = ("jinja2", "chalicelib.adapters.messages")
CARRIER = ("chalicelib.adapters.ses", "chalicelib.adapters.sms")
HEAVY = ("boto3", "holidays", "babel", "yaml", "pyarrow", "duckdb")

NEVER = {
    "consumers": (*WEB, *MAIL, *CARRIER, *HEAVY),
    "project": (*WEB, *MAIL, *CARRIER, *HEAVY),
    "publish": (*WEB, *MAIL, *CARRIER, *HEAVY),
    "files": (*WEB, *MAIL, *CARRIER, *HEAVY),
    "audit": (*WEB, *MAIL, *CARRIER, *HEAVY),
}
"""What the module of a function must not bring along."""

CODE = "import json, sys; __import__(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"


@pytest.mark.parametrize("module", NEVER)
def test_a_consumer_imports_only_its_part(module: str) -> None:
    name = f"chalicelib.entrypoints.{module}"
    done = subprocess.run([sys.executable, "-c", CODE, name], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert name in loaded
    assert loaded & set(NEVER[module]) == set()
