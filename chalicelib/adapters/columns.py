"""Keep one Parquet file for each kind and day beside the day files, and the notes of what has changed since."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.adapters.parquet import content_of
from chalicelib.domain.dayfile import NOTES, Line, Told, column_file_name
from chalicelib.errors import Conflict
from chalicelib.ports import DayPlace, Note

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOTES_MAX = 1_000
"""Notes of one listing: some three days of one every five minutes."""

COLUMNS = "parquet/"
TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
"""What S3 says when the file that was seen is not the one that is there."""


class S3ColumnFiles:
    """Parquet in the bucket of the day files, under a prefix of its own; S3 itself refuses what was overtaken."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def is_empty(self) -> bool:
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=COLUMNS, MaxKeys=1)
        return not found.get("Contents")

    def notes(self) -> Sequence[Note]:
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=NOTES, MaxKeys=NOTES_MAX)
        return [Note(each["Key"], self._places(each["Key"])) for each in found.get("Contents", ())]

    def _places(self, name: str) -> tuple[DayPlace, ...]:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        return tuple((kind, day) for kind, day in json.loads(body))

    def forget(self, notes: Sequence[Note]) -> None:
        for note in notes:
            self._client.delete_object(Bucket=self._bucket, Key=note.name)

    def stands(self, kind: Told, day: str) -> str | None:
        try:
            return self._client.head_object(Bucket=self._bucket, Key=COLUMNS + column_file_name(kind, day))["ETag"]
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return None
            raise

    def write(self, kind: Told, day: str, lines: Sequence[Line], *, over: str | None) -> None:
        content = content_of(kind, lines)
        name = COLUMNS + column_file_name(kind, day)
        try:
            if over is None:
                self._client.put_object(Bucket=self._bucket, Key=name, Body=content, IfNoneMatch="*")
            else:
                self._client.put_object(Bucket=self._bucket, Key=name, Body=content, IfMatch=over)
        except ClientError as error:
            if error.response["Error"]["Code"] in TAKEN:
                raise Conflict(f"{name} was written meanwhile") from error
            raise
