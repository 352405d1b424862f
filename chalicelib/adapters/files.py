"""Keep day files in S3 as compressed JSON lines, and hand lines over to whoever writes them, by a queue."""

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import groupby
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.adapters.clients import FILES_AT_ONCE_MAX
from chalicelib.adapters.queues import Queue
from chalicelib.domain.dayfile import SUFFIX, Kind, Line, file_name, folder, note_name, place_in
from chalicelib.ports import DayFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MESSAGE_BYTES_MAX = 200 * 1024  # a message takes 256 KB
LEVEL = 6


class S3DayFiles:
    """Day files in a bucket; lines wait in a queue, so that few files are written for many batches of the stream."""

    def __init__(self, client: "S3Client", bucket: str, queue: Queue, *, is_merged: bool = False) -> None:
        self._client = client
        self._is_merged = is_merged
        self._bucket = bucket
        self._queue = queue

    def hand_over(self, lines: Sequence[Line]) -> None:
        self._queue.send([_body(part) for part in _parts(lines)])

    def write(self, kind: Kind, day: str, lines: Sequence[Line]) -> None:
        # Without a time inside, equal lines are equal bytes.
        content = gzip.compress("".join(f"{line.text}\n" for line in lines).encode(), LEVEL, mtime=0)
        self._client.put_object(Bucket=self._bucket, Key=file_name(kind, day, lines), Body=content)

    def of_days(self, kind: Kind, first: str, end: str) -> Iterator[DayFile]:
        # What both days begin with: who asks for one day is not told of a thousand others.
        start, stop = folder(kind, first), folder(kind, end)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=commonprefix([start, stop]),  # noqa: RUF071  # sign by sign is what is wanted
            StartAfter=start,
        )
        for each in (each for page in pages for each in page.get("Contents", ())):
            day = place_in(each["Key"])[1]
            if day >= end:
                return
            if each["Key"].endswith(SUFFIX):
                yield DayFile(each["Key"], kind, day, each["Size"])

    def read(self, files: Sequence[DayFile]) -> Iterator[Line]:
        with ThreadPoolExecutor(FILES_AT_ONCE_MAX) as readers:
            # Each in a copy of this context: on whose behalf it is read goes along.
            readings = [partial(copy_context().run, self._content, file) for file in files]
            for file, content in zip(files, readers.map(lambda reading: reading(), readings), strict=True):
                yield from (line_of(file.kind, file.day, json.loads(text)) for text in content.splitlines())

    def days(self, kind: Kind) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{kind}/", Delimiter="/"
        )
        for each in (each for page in pages for each in page.get("CommonPrefixes", ())):
            yield place_in(each["Prefix"])[1]

    def note(self, names: Sequence[str]) -> None:
        if names and self._is_merged:  # else nobody would ever take them away
            body = json.dumps(sorted({place_in(name) for name in names})).encode()
            self._client.put_object(Bucket=self._bucket, Key=note_name(names), Body=body)

    def _content(self, file: DayFile) -> str:
        try:
            kept = self._client.get_object(Bucket=self._bucket, Key=file.name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return ""
            raise
        return gzip.decompress(kept).decode()


def line_of(kind: Kind, day: str, row: dict[str, Any]) -> Line:
    """Return a line by what it says."""
    return Line(kind, day, row["id"], row["version"], json.dumps(row, ensure_ascii=False, separators=(",", ":")))


def lines_in(body: str) -> list[Line]:
    """Return the lines that a message hands over."""
    return [line_of(part["kind"], part["day"], row) for part in json.loads(body) for row in part["lines"]]


def _parts(lines: Iterable[Line]) -> Iterator[list[Line]]:
    part: list[Line] = []
    size = 0
    for line in lines:
        length = len(line.text.encode())
        if part and size + length > MESSAGE_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append(line)
        size += length
    if part:
        yield part


def _body(lines: Sequence[Line]) -> str:
    groups = groupby(lines, key=lambda line: (line.kind, line.day))
    parts = (
        f'{{"kind":"{kind}","day":"{day}","lines":[{",".join(line.text for line in group)}]}}'
        for (kind, day), group in groups
    )
    return f"[{','.join(parts)}]"
