"""What every store of day files promises, and what ours puts into S3 and SQS."""

import gzip
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters import clients
from chalicelib.adapters.files import MESSAGE_BYTES_MAX, S3DayFiles, lines_in
from chalicelib.adapters.memory import Memory, MemoryDayFiles
from chalicelib.domain.dayfile import Kind, Line
from chalicelib.ports import DayFiles
from infra.local.aws import CREDENTIALS, REGION
from tests.contract.subject import Embedded


def line(id_: str, version: int = 1, *, day: str = "2026-03-06", kind: Kind = "responses", more: str = "") -> Line:
    """A line as any row would make it."""
    return Line(kind, day, id_, version, f'{{"id":"{id_}","version":{version},"more":"{more}"}}')


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
def files(request: pytest.FixtureRequest) -> DayFiles:
    """Every store in turn, empty."""
    if request.param == "memory":
        return MemoryDayFiles(Memory())
    embedded = request.getfixturevalue("embedded")
    bucket = embedded.environment["DAY_FILES_BUCKET"]
    return S3DayFiles(request.getfixturevalue("s3"), bucket, embedded.queue("FILES_QUEUE_URL"))


def test_what_was_written_is_read_by_the_day_from_inclusive_to_exclusive(files: DayFiles) -> None:
    for day in ("2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08"):
        files.write("responses", day, [line(f"i-{day}", day=day, more="ñ 🔩")])
    found = list(files.of_days("responses", "2026-03-06", "2026-03-08"))
    assert [file.day for file in found] == ["2026-03-06", "2026-03-07"]
    assert all(file.size > 0 for file in found)
    assert {each.id for each in files.read(found)} == {"i-2026-03-06", "i-2026-03-07"}
    assert [each.text for each in files.read(found[:1])] == [line("i-2026-03-06", more="ñ 🔩").text]


def test_kinds_are_apart(files: DayFiles) -> None:
    files.write("cases", "2026-03-06", [line("i-1", kind="cases")])
    assert not list(files.of_days("responses", "2026-01-01", "2027-01-01"))
    assert len(list(files.of_days("cases", "2026-01-01", "2027-01-01"))) == 1


def test_the_same_lines_make_one_file_and_others_take_no_files_place(files: DayFiles) -> None:
    batch = [line("i-1"), line("i-2")]
    files.write("responses", "2026-03-06", batch)
    files.write("responses", "2026-03-06", batch)
    files.write("responses", "2026-03-06", batch[:1])
    found = list(files.of_days("responses", "2026-03-06", "2026-03-07"))
    assert len(found) == 2
    assert sorted(each.id for each in files.read(found)) == ["i-1", "i-1", "i-2"]


class Watched:
    """A client that gives listings two at a time."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_paginator(self, name: str) -> Any:
        paginate = self._client.get_paginator(name).paginate
        return SimpleNamespace(paginate=lambda **asked: paginate(**asked, MaxKeys=2))


def test_more_files_than_one_listing_holds_are_all_found_in_order(s3: Any, embedded: Embedded) -> None:
    bucket = embedded.environment["DAY_FILES_BUCKET"]
    files = S3DayFiles(Watched(s3), bucket, embedded.queue("FILES_QUEUE_URL"))  # type: ignore[arg-type]  # as a client
    days = [f"2026-03-0{day}" for day in (3, 1, 2, 5, 4)]
    for day in days:
        for number in range(3):
            files.write("decisions", day, [line(f"i-{number}", day=day, kind="decisions")])
    found = [file.day for file in files.of_days("decisions", "2026-03-02", "2026-03-05")]
    assert found == [day for day in ("2026-03-02", "2026-03-03", "2026-03-04") for _ in range(3)]


def test_a_file_that_is_gone_meanwhile_is_left_out(s3: Any, embedded: Embedded) -> None:
    bucket = embedded.environment["DAY_FILES_BUCKET"]
    files = S3DayFiles(s3, bucket, embedded.queue("FILES_QUEUE_URL"))
    for number in range(3):
        files.write("responses", "2026-03-06", [line(f"i-{number}")])
    found = list(files.of_days("responses", "2026-03-06", "2026-03-07"))
    s3.delete_object(Bucket=bucket, Key=found[1].name)
    assert len(list(files.read(found))) == 2


def test_a_file_is_compressed_json_lines_in_partitions_and_equal_bytes_for_equal_lines(
    s3: Any, embedded: Embedded
) -> None:
    bucket = embedded.environment["DAY_FILES_BUCKET"]
    files = S3DayFiles(s3, bucket, embedded.queue("FILES_QUEUE_URL"))
    kept = []
    for _ in range(2):
        files.write("responses", "2026-03-06", [line("i-1"), line("i-2")])
        (each,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
        kept.append(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
    assert each["Key"].startswith("responses/day=2026-03-06/")
    assert each["Key"].endswith(".jsonl.gz")
    assert kept[0] == kept[1]
    assert gzip.decompress(kept[0]).decode() == f"{line('i-1').text}\n{line('i-2').text}\n"


def test_lines_wait_in_the_queue_whole_and_in_messages_that_it_takes(s3: Any, embedded: Embedded) -> None:
    files = S3DayFiles(s3, "-", embedded.queue("FILES_QUEUE_URL"))
    handed = [line(f"i-{number}", kind="cases" if number % 2 else "responses", more="ñ" * 500) for number in range(600)]
    files.hand_over(handed)
    bodies = embedded.bodies("FILES_QUEUE_URL")
    assert len(bodies) > 1
    assert all(len(body.encode()) <= MESSAGE_BYTES_MAX * 1.3 for body in bodies)
    assert sorted((each for body in bodies for each in lines_in(body)), key=_by) == sorted(handed, key=_by)


def _by(each: Line) -> tuple[str, str]:
    return each.kind, each.id
