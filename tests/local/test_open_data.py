"""What customers answer leaves the running system as files: by the API, by the command line, by SQL."""

import csv
import io
import json
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pytest
from pyarrow.dataset import dataset

from chalicelib.adapters.columns import COLUMNS
from chalicelib.domain.columns import Column, columns_of
from chalicelib.domain.dayfile import KINDS
from infra.commands.line import main
from infra.commands.screen import Screen
from infra.local.resources import client
from infra.local.system import LocalSystem
from tests.local.asking import Reply, ask

WORDS = "=1+1; llegó tarde"


def told(lazo: LocalSystem, number: int, rating: int) -> None:
    """Sell something, let the customer be asked, and answer as a person does."""
    tokens = json.loads((lazo.state / "tokens.json").read_text())
    mail = f"c{number}@example.com"
    event = {
        "specversion": "1.0",
        "id": f"ORD-{number}",
        "source": "/crm",
        "type": "sale.closed",
        "time": lazo.clock.now().isoformat(),
        "data": {"customer": {"id": f"c-{number}", "name": "Ana", "email": mail}, "reference": f"ORD-{number}"},
    }
    bearer = f"Bearer {tokens['events_token']}"
    sent = ask(lazo.base_url + "/events", "POST", event, Authorization=bearer)
    assert sent.status == 202
    ask(lazo.base_url + "/_local/clock", "POST", {"advance": "P4D"})
    message, *_ = ask(lazo.base_url + f"/_local/messages?to={mail}").json["messages"]
    link = next(word for word in message["text"].split() if word.startswith(lazo.base_url + "/s/"))
    form = urlencode({"rating": rating, "what": WORDS})
    pressed = {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_User": "?1"}
    kind = "application/x-www-form-urlencoded"
    assert ask("/".join(link.split("/")[:5]), "POST", form, Content_Type=kind, **pressed).status == 200
    ask(lazo.base_url + "/_local/settle", "POST", {})


def exported(lazo: LocalSystem, query: str) -> Reply:
    token = json.loads((lazo.state / "tokens.json").read_text())["api"]["leadership"]
    return ask(f"{lazo.base_url}/api/v1/export?{query}", Authorization=f"Bearer {token}")


def infra(*arguments: object) -> dict[str, object]:
    screen = Screen(as_json=True, out=io.StringIO(), err=io.StringIO())
    code = main([*map(str, arguments), "--json"], screen)
    assert isinstance(screen.out, io.StringIO)
    assert code == 0, screen.out.getvalue()
    result: dict[str, object] = json.loads(screen.out.getvalue())
    return result


@pytest.mark.embedded
def test_answers_leave_as_csv_as_json_lines_by_the_command_line_and_by_sql(lazo: LocalSystem, tmp_path: Path) -> None:
    told(lazo, 1, 2)
    told(lazo, 2, 9)

    reply = exported(lazo, "format=csv")
    assert reply.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
    assert [(row["reference"], row["rating"], row["customer"]) for row in rows] == [
        ("ORD-1", "2", "c-1"),
        ("ORD-2", "9", "c-2"),
    ]
    assert rows[0]["words"] == f"'{WORDS}"

    lines = [json.loads(line) for line in exported(lazo, "format=jsonl").body.decode().splitlines()]
    assert [line["rating"] for line in lines] == [2, 9]

    here = ("--state", lazo.state, "--local")
    out = tmp_path / "answers.csv"
    assert infra("export", "--out", out, *here)["answers"] == 2
    assert out.read_bytes() == reply.body
    assert out.stat().st_mode & 0o777 == 0o600

    counted = "select (select count(*) from responses), (select count(*) from cases), (select count(*) from decisions)"
    assert infra("sql", counted, *here)["rows"] == [[2, 1, 2]]
    told_of = "select d.state, r.rating, c.state from responses r join decisions d using (id)"
    joined = f"{told_of} left join cases c using (id) where r.day >= '2000-01-01' order by rating"
    assert infra("sql", joined, *here)["rows"] == [["sent", 2, "open"], ["sent", 9, None]]
    figures = tmp_path / "figures"
    for _ in range(2):  # again changes nothing
        assert infra("parquet", figures, *here)["lines"] == {"responses": 2, "decisions": 2, "cases": 1, "events": 2}
        read = dataset(figures / "responses", format="parquet", partitioning="hive").to_table().to_pylist()
        assert sorted(row["rating"] for row in read) == [2, 9]
        assert {row["day"] for row in read} == {line["day"] for line in lines}
        days = [path.parent for path in figures.glob("responses/day=*/*.parquet")]
        assert len(days) == len(set(days))
    assert infra("parquet", figures, "--since", "2199-01-01", *here)["lines"] == dict.fromkeys(KINDS, 0)

    copies = list((lazo.state / "day-files").glob("*/*/*.jsonl"))
    assert copies
    assert not any(word in copy.read_text() for copy in copies for word in ("Ana", "@example", "tarde", "ORD-", "c-1"))


@pytest.mark.embedded
def test_what_the_night_leaves_in_the_bucket_says_the_same_under_its_partitions(
    lazo: LocalSystem, tmp_path: Path
) -> None:
    """Athena reads it so: a folder for each day, each id once, every column that `sql` has."""
    told(lazo, 1, 2)
    told(lazo, 2, 9)
    ask(lazo.base_url + "/_local/clock", "POST", {"advance": "P2D"})
    bucket = fetched(lazo, tmp_path)
    for kind in KINDS:
        columns = ", ".join(["day", *(cut(name, column) for name, column in columns_of(kind).items())])
        files = f"read_parquet('{bucket}/{kind}/day=*/data_0.parquet', hive_partitioning=true)"
        kept = duckdb.execute(f"select {columns} from {files} order by id").fetchall()
        asked = infra("sql", f"select {columns} from {kind} order by id", "--state", lazo.state, "--local")["rows"]
        assert len(kept) == {"responses": 2, "decisions": 2, "cases": 1, "events": 2}[kind]
        assert json.loads(json.dumps(kept, default=str)) == json.loads(json.dumps(asked, default=str))


def cut(name: str, column: Column) -> str:
    """Return how a column is read: an instant of Athena's goes to the millisecond."""
    return f"date_trunc('milliseconds', \"{name}\")" if column.holds == "instant" else f'"{name}"'


def fetched(lazo: LocalSystem, folder: Path) -> Path:
    """Copy what the function left under its part of the bucket."""
    s3, bucket = client("s3", lazo.aws.endpoint), lazo.resources.environment["DAY_FILES_BUCKET"]
    for kept in s3.list_objects_v2(Bucket=bucket, Prefix=COLUMNS)["Contents"]:
        path = folder / kept["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=bucket, Key=kept["Key"])["Body"].read())
    return folder / COLUMNS.strip("/")
