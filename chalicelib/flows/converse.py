"""Talk by text message: a rating, a comment, a wish to be left alone; each message is acted upon once."""

from datetime import datetime
from typing import Literal

from chalicelib.domain.customer import Address
from chalicelib.domain.inbound import Heard, understand
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.response import respond
from chalicelib.domain.routing import topics_of
from chalicelib.domain.survey import Survey
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.flows import amend, news, record
from chalicelib.ports import Ports

HEARD_MAX = 20  # messages remembered of one phone, so that one delivered twice is answered once

Reply = Literal["stopped", "started", "help", "thanks_high", "thanks_low", "thanks", "comment", "unreadable", "closed"]


def hear(ports: Ports, sender: str, text: str, message_id: str, now: datetime) -> None:
    """Do what a text message asks, and answer it at most once; the same message again changes nothing."""
    key = ports.names.address("sms", sender)
    address = ports.customers.address(key) or Address(key=key)
    if message_id in address.heard:
        return
    invitation = ports.invitations.get(address.last) if address.last else None
    survey = ports.library.survey(invitation.survey_version or "") if invitation else None
    heard = understand(text, survey)
    reply = _act(ports, key, heard, invitation, survey, now)
    # Acted first, which is safe to repeat; claimed next; answered last, so that a reply leaves at most once.
    if reply and _claim(ports, key, message_id, invitation, reply):
        _answer(ports, sender, reply, invitation)


def _act(
    ports: Ports, key: str, heard: Heard, invitation: Invitation | None, survey: Survey | None, now: datetime
) -> Reply | None:
    if heard.kind in ("stop", "start"):
        if heard.rating is not None and invitation and survey:
            _said(ports, invitation.id, Heard("rating", heard.rating), survey, now)
        customer = invitation.customer if invitation else None
        amend.consent(ports, customer, [key], now if heard.kind == "stop" else None, "sms")
        if customer and heard.kind == "stop":
            news.end_what_waits(ports, customer)
        return "stopped" if heard.kind == "stop" else "started"
    if heard.kind == "help":
        return "help"
    if invitation is None or survey is None:
        return None  # nobody whom we have asked: not ours to answer
    return _said(ports, invitation.id, heard, survey, now)


def _said(ports: Ports, id_: str, heard: Heard, survey: Survey, now: datetime) -> Reply:
    def once() -> Reply:
        found = ports.invitations.get(id_)
        if found is None or not found.is_open(now):
            return "closed"
        answer = _answered(found, heard, survey, now)
        if answer is None:
            return "unreadable"
        recorded, organisation = respond(found, survey, answer, vouched=True, now=now), ports.library.organisation()
        if recorded:
            record.write(ports, recorded, survey, organisation, now)
        return "comment" if heard.kind == "words" else _thanks(answer, survey, organisation)

    return amend.persist(once)


def _thanks(answer: Answer, survey: Survey, organisation: Organisation) -> Reply:
    """Return the thanks for a rating: nobody is glad of an 8 whose words say what failed."""
    if survey.is_low(answer.rating):
        return "thanks_low"
    is_glad = survey.is_high(answer.rating) and not topics_of(answer, organisation)
    return "thanks_high" if is_glad else "thanks"


def _answered(invitation: Invitation, heard: Heard, survey: Survey, now: datetime) -> Answer | None:
    """Return the answer that a text gives; words alone complete the rating that came before, or are unreadable."""
    before = invitation.confirmed
    rating = heard.rating if heard.rating is not None else before.rating if before else None
    if rating is None:
        return None
    place = next((question.id for question in survey.questions if question.kind == "text"), None)
    texts = dict(before.texts) if before else {}
    if heard.words and place:
        texts[place] = _added(texts.get(place, ""), heard.words)
    kept = {"ratings": before.ratings, "choices": before.choices} if before else {}
    return Answer.model_validate({"rating": rating, "texts": texts, "at": now, "how": "sms", **kept})


def _added(before: str, words: str) -> str:
    return before if words in before.split("\n") else f"{before}\n{words}".strip()


def _claim(ports: Ports, key: str, message_id: str, invitation: Invitation | None, reply: Reply) -> bool:
    """Say whether this message is ours to answer: nobody else has, and it is no second lesson for one survey."""
    helped = invitation.id if invitation and reply == "unreadable" else None
    claimed: list[bool] = []

    def heard(address: Address) -> Address | None:
        claimed[:] = [message_id not in address.heard and not (helped and address.helped == helped)]
        if message_id in address.heard:
            return None
        changes = {"heard": (message_id, *address.heard)[:HEARD_MAX], "helped": helped or address.helped}
        return address.model_copy(update=changes)

    amend.address(ports.customers, key, heard)
    return claimed[0]


def _answer(ports: Ports, sender: str, reply: Reply, invitation: Invitation | None) -> None:
    organisation = ports.library.organisation()
    language = invitation.language if invitation else organisation.language
    try:
        ports.carrier.text(ports.messages.reply(reply, sender, language, organisation))
    except (CarrierRefused, CarrierUnclear):
        return  # what was asked for is done; only its confirmation is lost
