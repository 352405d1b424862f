"""What every store of files by column promises, and what ours puts into S3."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from pyarrow import parquet

from chalicelib.adapters import clients
from chalicelib.adapters.columns import COLUMNS, S3ColumnFiles
from chalicelib.adapters.files import S3DayFiles
from chalicelib.adapters.memory import Memory, MemoryColumnFiles, MemoryDayFiles
from chalicelib.domain.dayfile import Line
from chalicelib.errors import Conflict
from chalicelib.ports import ColumnFiles, DayFiles
from infra.local.aws import CREDENTIALS, REGION
from tests.contract.subject import Embedded

DAY = "2026-03-06"


def line(id_: str, version: int = 1) -> Line:
    """A line with some of a response's fields, as an older version might have written it."""
    told = (
        f'{{"id":"{id_}","version":{version},"rating":3,"ratings":{{"delivery":2}},"choices":{{"failed":["late"]}},'
        '"answered_at":"2026-03-06T21:30:00.250Z","erased":false,"departments":["sales"],"program":null}'
    )
    return Line("responses", DAY, id_, version, told)


@pytest.fixture
def s3(embedded: Embedded) -> Any:
    """A client of the embedded S3, as the product builds it."""
    return clients.s3(
        endpoint_url=embedded.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(params=["memory", "s3"])
def stores(request: pytest.FixtureRequest) -> tuple[DayFiles, ColumnFiles]:
    """Day files and files by column of one place, both kinds of it in turn, empty."""
    if request.param == "memory":
        memory = Memory()
        return MemoryDayFiles(memory), MemoryColumnFiles(memory)
    embedded = request.getfixturevalue("embedded")
    bucket, queue = embedded.environment["DAY_FILES_BUCKET"], embedded.queue("FILES_QUEUE_URL")
    client = request.getfixturevalue("s3")
    return S3DayFiles(client, bucket, queue, is_merged=True), S3ColumnFiles(client, bucket)


def test_what_is_noted_stays_until_it_is_forgotten(stores: tuple[DayFiles, ColumnFiles]) -> None:
    days, columns = stores
    assert not columns.notes()
    names = ["responses/day=2026-03-06/a.jsonl.gz", "cases/day=2026-03-01/b.jsonl.gz"]
    days.note(names)
    days.note(names[::-1])  # the same files again
    days.note(["responses/day=2026-03-06/c.jsonl.gz"])  # others of the same day
    days.note([])
    notes = columns.notes()
    assert sorted(note.places for note in notes) == [
        (("cases", "2026-03-01"), ("responses", DAY)),
        (("responses", DAY),),
    ]
    columns.forget([note for note in notes if len(note.places) == 2])
    assert [note.places for note in columns.notes()] == [(("responses", DAY),)]


def test_the_days_that_have_files_are_told_in_order(stores: tuple[DayFiles, ColumnFiles]) -> None:
    days, _ = stores
    for day in ("2026-03-07", DAY, "2026-03-06"):
        days.write("responses", day, [line(f"i-{day}"), line("x")])
        days.write("responses", day, [line("y")])
    assert list(days.days("responses")) == [DAY, "2026-03-07"]
    assert list(days.days("cases")) == []


def test_nobody_overwrites_what_he_has_not_seen(stores: tuple[DayFiles, ColumnFiles]) -> None:
    _, columns = stores
    assert columns.is_empty()
    assert columns.stands("responses", DAY) is None
    columns.write("responses", DAY, [line("i-1")], over=None)
    assert not columns.is_empty()
    with pytest.raises(Conflict):
        columns.write("responses", DAY, [line("i-2")], over=None)
    seen = columns.stands("responses", DAY)
    columns.write("responses", DAY, [line("i-1"), line("i-2")], over=seen)
    with pytest.raises(Conflict):
        columns.write("responses", DAY, [line("i-1")], over=seen)
    assert columns.stands("responses", DAY) not in (None, seen)
    assert columns.stands("cases", DAY) is None


def test_a_file_has_every_column_and_its_type(s3: Any, embedded: Embedded) -> None:
    bucket = embedded.environment["DAY_FILES_BUCKET"]
    S3ColumnFiles(s3, bucket).write("responses", DAY, [line("i-1")], over=None)
    (kept,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert kept["Key"] == f"{COLUMNS}responses/day={DAY}/data_0.parquet"
    table = parquet.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=kept["Key"])["Body"].read()))
    assert table.schema.metadata[b"lazo.schema_version"] == b"1"
    (row,) = table.to_pylist()
    assert (row["id"], row["rating"], row["ratings"]) == ("i-1", 3, [("delivery", 2)])
    assert row["choices"] == [("failed", ["late"])]
    assert row["answered_at"].replace(tzinfo=UTC) == datetime(2026, 3, 6, 21, 30, 0, 250_000, tzinfo=UTC)
    assert (row["erased"], row["departments"], row["program"], row["topics"]) == (False, ["sales"], None, None)


def test_who_is_not_merged_takes_no_notes(s3: Any, embedded: Embedded) -> None:
    bucket = embedded.environment["DAY_FILES_BUCKET"]
    S3DayFiles(s3, bucket, embedded.queue("FILES_QUEUE_URL")).note(["responses/day=2026-03-06/a.jsonl.gz"])
    assert not S3ColumnFiles(s3, bucket).notes()
