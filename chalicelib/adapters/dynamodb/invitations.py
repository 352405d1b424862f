"""Keep invitations, the news that came before them, and their cases with their timelines."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import (
    Image,
    decode_as,
    encode_case,
    encode_digest,
    encode_early,
    encode_entry,
    encode_incident,
    encode_invitation,
    encode_note,
    encode_weekly,
    seconds_of,
    text_key,
)
from chalicelib.adapters.dynamodb.table import Put, Table, conflicts
from chalicelib.adapters.lists import ALL, Place, list_name, list_of, merged, read_cursor, write_cursor
from chalicelib.domain.case import Case, Entry
from chalicelib.domain.digest import Digest
from chalicelib.domain.incident import Incident, Noted
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.weekly import Weekly
from chalicelib.errors import Conflict
from chalicelib.ports import CaseList, Early, Page

"""How long it is known what was noted: a year is shown of praise, and incidents are over sooner."""


class DynamoInvitations:
    """Invitations in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get_many(self, ids: Sequence[str], *, consistent: bool = True) -> dict[str, Invitation]:
        images = self._table.get_many([keys.invitation(id_) for id_ in ids], consistent=consistent)
        found = (decode_as(Invitation, image) for image in images)
        return {invitation.id: invitation for invitation in found if invitation}

    def get(self, id_: str, *, consistent: bool = True) -> Invitation | None:
        return decode_as(Invitation, self._table.get(keys.invitation(id_), consistent=consistent))

    def create(self, invitation: Invitation) -> bool:
        try:
            self._table.put(Put(encode_invitation(invitation), over=0))
        except Conflict:
            # There is one already, unless it was only a transaction's lock that was met.
            if self.get(invitation.id) is None:
                raise
            return False
        return True

    def save(self, invitation: Invitation) -> None:
        self._table.put(_next(invitation))

    def create_many(self, invitations: Sequence[Invitation]) -> set[str]:
        lost = self._table.put_many([Put(encode_invitation(each), over=0) for each in invitations])
        return {each.id for each in invitations if keys.invitation(each.id) not in lost}

    def save_many(self, invitations: Sequence[Invitation]) -> set[str]:
        lost = self._table.put_many([_next(each) for each in invitations])
        return {each.id for each in invitations if keys.invitation(each.id) in lost}

    def save_with_case(self, invitation: Invitation, case: Case, entry: Entry) -> None:
        self._table.write([_next(invitation), *_case_puts(case, entry)])

    def take_place(self, name: str, most: int, until: datetime) -> bool:
        try:
            with conflicts():
                self._table.update(**_place_taken(name, most, until))
        except Conflict:
            return False
        return True

    def give_place_back(self, name: str) -> None:
        self._table.update(**_places(name, "ADD n :count", -1))

    def early(self, key: str) -> Early | None:
        return decode_as(Early, self._table.get(keys.early(key)))

    def earlies(self, names: Sequence[str], *, consistent: bool = True) -> list[Early]:
        images = self._table.get_many([keys.early(key) for key in names], consistent=consistent)
        return [early for image in images if (early := decode_as(Early, image))]

    def save_early(self, early: Early) -> None:
        self._table.put(Put(encode_early(early), over=early.version - 1))


def _place_taken(name: str, most: int, until: datetime) -> dict[str, Any]:
    return {
        **_places(name, "ADD n :count SET #ttl = :ends", 1, **{":most": most, ":ends": seconds_of(until)}),
        "ConditionExpression": "attribute_not_exists(n) OR n < :most",
        "ExpressionAttributeNames": {"#ttl": keys.TTL},
    }


def _places(name: str, update: str, count: int, **more: int) -> dict[str, Any]:
    values = {value: {"N": str(number)} for value, number in {":count": count, **more}.items()}
    return {"Key": text_key(keys.places(name)), "UpdateExpression": update, "ExpressionAttributeValues": values}


def _next(invitation: Invitation) -> Put:
    if invitation.version <= 1:
        raise Conflict(f"{invitation.id} has no version before {invitation.version}")
    return Put(encode_invitation(invitation), over=invitation.version - 1)


def _case_puts(case: Case, entry: Entry | None) -> list[Put]:
    puts = [Put(encode_case(case), over=case.revision - 1)]
    return [*puts, Put(encode_entry(case.id, entry), over=0)] if entry else puts


class DynamoCases:
    """Cases and their timelines in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, id_: str) -> Case | None:
        return decode_as(Case, self._table.get(keys.case(id_)))

    def get_many(self, ids: Sequence[str]) -> dict[str, Case]:
        images = self._table.get_many([keys.case(id_) for id_ in ids])
        return {case.id: case for image in images if (case := decode_as(Case, image))}

    def timeline(self, id_: str) -> tuple[Entry, ...]:
        images = self._table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :entry)",
            ExpressionAttributeValues={":pk": {"S": keys.case(id_)[0]}, ":entry": {"S": keys.ENTRY}},
            ConsistentRead=True,
        )
        return tuple(entry for image in images if (entry := decode_as(Entry, image)))

    def latest_entries(self, cases: Sequence[Case], most: int) -> dict[str, tuple[Entry, ...]]:
        # Each move is one line and one version more, so the lines' keys are known without asking for them.
        lines = [(case.id, version) for case in cases for version in _last(case.version, most)]
        images = self._table.get_many([keys.entry(*line) for line in lines], consistent=False)
        found = {
            (keys.id_of(image["pk"]["S"]), entry.version): entry
            for image in images
            if (entry := decode_as(Entry, image))
        }
        return {
            case.id: tuple(entry for version in _last(case.version, most) if (entry := found.get((case.id, version))))
            for case in cases
        }

    def save(self, case: Case, entry: Entry | None = None) -> None:
        puts = _case_puts(case, entry)
        if entry:
            self._table.write(puts)
        else:
            self._table.put(puts[0])

    def digest(self, id_: str) -> Digest | None:
        return decode_as(Digest, self._table.get(keys.digest(id_)))

    def save_digest(self, digest: Digest) -> None:
        self._table.put(Put(encode_digest(digest), over=digest.version - 1))

    def weekly(self, mailbox: str) -> Weekly | None:
        return decode_as(Weekly, self._table.get(keys.weekly(mailbox)))

    def save_weekly(self, weekly: Weekly) -> None:
        self._table.put(Put(encode_weekly(weekly), over=weekly.version - 1))

    def note(self, name: str, noted: Noted) -> None:
        self._table.replace(encode_note(name, noted))

    def strike(self, name: str, noted: Noted) -> None:
        self._table.take(keys.note(name, noted.at, noted.id))

    def noted(
        self, name: str, first: datetime, last: datetime, *, limit: int, latest_first: bool = False
    ) -> tuple[Noted, ...]:
        pk, start, end = keys.notes(name, first, last)
        found = self._table.query(
            page=limit,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :start AND :end",
            ExpressionAttributeValues={":pk": {"S": pk}, ":start": {"S": start}, ":end": {"S": end}},
            ScanIndexForward=not latest_first,
            ConsistentRead=True,
        )
        return tuple(_noted(image["sk"]["S"]) for image in islice(found, limit))

    def incidents(self, drivers: Sequence[str]) -> dict[str, Incident]:
        images = self._table.get_many([keys.incident(driver) for driver in drivers])
        return {found.id: found for image in images if (found := decode_as(Incident, image))}

    def save_incident(self, incident: Incident) -> None:
        self._table.put(Put(encode_incident(incident), over=incident.version - 1))

    def forget(self, id_: str) -> None:
        for entry in self.timeline(id_):
            self._table.replace(encode_entry(id_, entry.model_copy(update={"text": ""})))

    def page(self, department: str, which: CaseList, *, limit: int, cursor: str | None) -> Page:
        list_ = list_name(department, which)
        places = self._places(list_, read_cursor(list_, cursor) if cursor else None, limit + 1, which == "open")
        shown = places[:limit]
        more = write_cursor(list_, shown[-1]) if len(places) > limit else None
        return Page(tuple(self._listed([list_], shown)), more)

    def page_of_all(self, departments: Sequence[str], which: CaseList, *, limit: int, cursor: str | None) -> Page:
        after = read_cursor(list_name(ALL, which), cursor) if cursor else None
        lists = [list_name(department, which) for department in departments]
        # A place is a place in every list: where another department's case stands, reading goes on just the same.
        places = [place for list_ in lists for place in self._places(list_, after, limit + 1, which == "open")]
        shown, more = merged(places, which, limit)
        return Page(tuple(self._listed(lists, shown)), more)

    def _places(self, list_: str, after: Place | None, limit: int, forward: bool) -> list[Place]:
        start = {"ExclusiveStartKey": _index_key(list_, after)} if after else {}
        found = self._table.query(
            page=limit,
            IndexName=keys.DEPARTMENT,
            KeyConditionExpression="department_list = :list",
            ExpressionAttributeValues={":list": {"S": list_}},
            ScanIndexForward=forward,
            **start,
        )
        return [_place(image) for image in islice(found, limit)]

    def _listed(self, lists: Sequence[str], places: Sequence[Place]) -> list[Case]:
        # The index lags: a case that has left the list meanwhile is not shown in it.
        images = self._table.get_many([keys.case(place.id) for place in places], consistent=False)
        cases = {case.id: case for image in images if (case := decode_as(Case, image))}
        found = (cases.get(place.id) for place in places)
        return [case for case in found if case and list_of(case) in lists]


def _last(version: int, most: int) -> range:
    return range(max(1, version - most + 1), version + 1)


def _noted(sk: str) -> Noted:
    at, _, id_ = sk.removeprefix(keys.NOTE).partition("#")
    return Noted(at=datetime.fromisoformat(at), id=id_)


def _place(image: Image) -> Place:
    return Place(image["department_at"]["S"], keys.id_of(image["pk"]["S"]))


def _index_key(list_: str, place: Place) -> Image:
    key = text_key(keys.case(place.id))
    return key | {"department_list": {"S": list_}, "department_at": {"S": place.at}}
