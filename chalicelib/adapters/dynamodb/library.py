"""Keep the published organisation, its history, and every survey version."""

import gzip
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image, decode_as, encode_keeping, text_key
from chalicelib.adapters.dynamodb.table import Put, Table
from chalicelib.domain.organisation import Organisation, Pauses
from chalicelib.domain.retention import Keeping
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import stamp
from chalicelib.errors import Invalid, NotFound, Problem

if TYPE_CHECKING:
    from chalicelib.ports import Clock

FRESH = timedelta(seconds=30)
"""How long a process goes on with the organisation it has read: a publication is everywhere half a minute later."""

SURVEYS_KEPT_MAX = 200
BODY_BYTES_MAX = 350_000  # of the 400 KB that an item may have


class DynamoLibrary:
    """The organisation and its surveys in the table, read once per process and half minute."""

    def __init__(self, table: Table, clock: "Clock") -> None:
        self._table = table
        self._clock = clock
        self._organisation: Organisation | None = None
        self._read_at: datetime | None = None
        self._surveys: dict[str, Survey] = {}
        self._pauses = Pauses()
        self._paused_at: datetime | None = None

    def organisation(self, *, fresh: bool = False) -> Organisation:
        now = self._clock()
        if not fresh and self._organisation and self._read_at and timedelta(0) <= now - self._read_at < FRESH:
            return self._organisation
        image = self._table.get(keys.organisation())
        if image is None:
            raise NotFound("no organisation has been published")
        self._organisation = Organisation.model_validate_json(_text(image), extra="ignore")
        self._read_at = now
        return self._organisation

    def pauses(self, *, fresh: bool = False) -> Pauses:
        now = self._clock()
        if not fresh and self._paused_at and timedelta(0) <= now - self._paused_at < FRESH:
            return self._pauses
        image = self._table.get(keys.pauses())
        self._pauses = Pauses.model_validate_json(_text(image), extra="ignore") if image else Pauses()
        self._paused_at = now
        return self._pauses

    def save_pauses(self, pauses: Pauses) -> None:
        image = {**text_key(keys.pauses()), "v": {"N": str(pauses.version)}, **_body(pauses)}
        self._table.put(Put(image, over=pauses.version - 1))
        self._pauses, self._paused_at = Pauses(), None

    def keeping(self, id_: str) -> Keeping | None:
        return decode_as(Keeping, self._table.get(keys.keeping(id_)))

    def save_keeping(self, keeping: Keeping) -> None:
        self._table.put(Put(encode_keeping(keeping), over=keeping.version - 1))

    def survey(self, version: str) -> Survey | None:
        if version not in self._surveys:
            image = self._table.get(keys.survey(version), consistent=False)
            if image is None:
                return None
            while len(self._surveys) >= SURVEYS_KEPT_MAX:
                self._surveys.pop(next(iter(self._surveys)))
            self._surveys[version] = Survey.model_validate_json(_text(image), extra="ignore")
        return self._surveys[version]

    def publish(self, organisation: Organisation, at: datetime) -> None:
        body = _body(organisation)
        # Surveys first: whoever reads the organisation finds every survey that it names.
        for survey in organisation.surveys:
            self._table.replace(text_key(keys.survey(survey.version)) | _body(survey))
        self._table.replace(text_key(keys.organisation_version(stamp(at))) | body)
        self._table.replace(text_key(keys.organisation()) | body)
        self._organisation, self._read_at = None, None


def _body(model: BaseModel) -> Image:
    # Whole, with its defaults: what was published stays as it was, whatever later code takes for granted.
    body = gzip.compress(model.model_dump_json().encode(), mtime=0)
    if len(body) > BODY_BYTES_MAX:
        raise Invalid(Problem("", f"takes {len(body):,} bytes when compressed; at most {BODY_BYTES_MAX:,} can be kept"))
    return {"body": {"B": body}}


def _text(image: Image) -> bytes:
    return gzip.decompress(image["body"]["B"])
