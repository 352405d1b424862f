"""Write what people are sent, in their language: mails with their plain text, and texts of one segment."""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from chalicelib.adapters import notices, texts
from chalicelib.adapters.pages.common import about, closes, company
from chalicelib.adapters.templates import _, filled, render, sentence
from chalicelib.adapters.templates.formats import moment, number
from chalicelib.adapters.wording import department_name, drivers_text
from chalicelib.domain.case import Case, Notice
from chalicelib.domain.customer import Customer
from chalicelib.domain.incident import Incident
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.sending import Sent
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import Channel, base_language, in_language
from chalicelib.errors import Invalid, Problem
from chalicelib.ports import CaseView, Links, Mail, Sms, Ticket

if TYPE_CHECKING:
    from chalicelib.domain.reading import Report
    from chalicelib.domain.recognition import Praise

CASE_LINK_LASTS = timedelta(days=14)
"""How long an alert's button works without an account; the case's own page needs a sign-in and stays."""

DIGEST_WORDS_MAX = 600  # characters of each customer: mailboxes cut off mails of 100 KB

BY_MACHINE = {"Auto-Submitted": "auto-generated"}
"""Tells mailboxes not to answer with their holidays, and us not to take our own mail for an event."""


WHY_PAUSED = _("%(bounced)s of %(mails)s mails of the last 24 hours came back for good: %(share)s.")


def percent(sent: Sent, language: str) -> str:
    """Return the share that came back, as in 4.1 %."""
    return f"{number(100 * sent.share, 1, language=base_language(language))}\N{NO-BREAK SPACE}%"


@dataclass(frozen=True)
class TemplateMessages:
    """Messages from the templates; `unsubscribe_to` is a mailbox that stops surveys by itself, where there is one."""

    links: Links
    unsubscribe_to: str | None = None

    def invitation(
        self, invitation: Invitation, customer: Customer, survey: Survey, organisation: Organisation, *, reminder: bool
    ) -> Mail | Sms:
        url = self.links.url("answer", Ticket(invitation.id))
        kind = "reminder" if reminder else "instead" if invitation.instead else "invitation"
        tags = {"invitation": invitation.id, "kind": kind}
        if invitation.channel == "sms":
            name, reference = customer.name, invitation.reference
            text = texts.ask(organisation, invitation.language, url, name=name, reference=reference)
            return Sms(_address(customer, "sms"), text, tags)
        subject, stop_url = _one_line(_asking(invitation, survey)), self.links.url("stop", Ticket(invitation.id))
        own = {
            **about(invitation, customer),
            "subject": subject,
            "closes": closes(invitation, organisation),
            "url": url,
            "stop_url": stop_url,
            "privacy_url": self.links.url("privacy", Ticket(invitation.id, invitation.privacy_until)),
        }
        text, html = _asked(survey, invitation.language, organisation, own, reminder=reminder)
        headers = self._stoppable(stop_url, f"{invitation.program}:{kind}:lazo")
        signature = signed(organisation, invitation.program)
        return _mail(subject, text, html, (_address(customer, "email"),), signature, headers, tags)

    def digest(self, alerts: Sequence[tuple[Notice, CaseView]], organisation: Organisation, now: datetime) -> Mail:
        first, until = alerts[0][0], now + CASE_LINK_LASTS
        language, to = notices.language_of(first, organisation), notices.recipients(first, organisation)
        told = []
        for notice, view in alerts:
            facts = notices.facts(notice, view, organisation, now, language=language)
            words = _beginning(str(facts["words"]))
            told.append({**facts, "words": words, "url": self._case_url(notice, view, until)})
        headline = sentence(_("%(n)s cases need you"), language, n=len(told))
        facts = {
            "subject": headline,
            "headline": headline,
            "preheader": " · ".join(str(each["subject"]) for each in told),
            "department": told[0]["department"],
            "cases": told,
            "zone": told[0]["zone"],
            "link_until": until,
        }
        return _rendered("digest", language, facts, to, organisation, {"kind": "digest"})

    def heard(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        language = base_language(customer.language or organisation.language)
        tags = {"invitation": case.id, "kind": "heard"}
        if channel == "sms":
            return Sms(_address(customer, "sms"), texts.heard(organisation, language, case.reference), tags)
        heard = sentence(_("We heard you"), language)
        facts = {
            "subject": f"{heard} ({case.reference})" if case.reference else heard,
            "preheader": sentence(_("Somebody is on it."), language),
            "name": customer.name,
            "reference": case.reference,
            "department": department_name(case.department, organisation, language),
            "stop_url": "",
        }
        return _rendered("heard", language, facts, (_address(customer, "email"),), organisation, tags)

    def mended(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        language = base_language(customer.language or organisation.language)
        url = self.links.url("mended", Ticket(case.id))
        tags = {"invitation": case.id, "kind": "mended"}
        if channel == "sms":
            text = texts.ask_mended(organisation, language, url, reference=case.reference)
            return Sms(_address(customer, "sms"), text, tags)
        question = sentence(_("Did we mend it?"), language)
        facts = {
            "subject": f"{question} ({case.reference})" if case.reference else question,
            "preheader": sentence(_("You are the one who knows."), language),
            "name": customer.name,
            "reference": case.reference,
            "department": department_name(case.department, organisation, language),
            "url": url,
            "stop_url": "",
        }
        answers_to = signed(organisation, case.program, department=case.department)
        return _rendered("mended", language, facts, (_address(customer, "email"),), organisation, tags, answers_to)

    def notice(self, notice: Notice, view: CaseView, organisation: Organisation, now: datetime) -> Mail:
        language = notices.language_of(notice, organisation)
        until = now + CASE_LINK_LASTS
        told = notices.facts(notice, view, organisation, now)
        facts = {**told, "url": self._case_url(notice, view, until), "link_until": until}
        tags = {"case": view.case.id, "kind": notice.kind}
        return _rendered("notice", language, facts, notices.recipients(notice, organisation), organisation, tags)

    def _case_url(self, notice: Notice, view: CaseView, until: datetime) -> str:
        """Return where an alert leads: the lead to its one move, without an account; whoever helps to the case."""
        if notice.kind == "helping":
            return self.links.page(f"/cases/{view.case.id}")
        return self.links.url("case", Ticket(view.case.id, expires_at=until, detail=view.case.version))

    def sign_in(self, to: str, url: str, organisation: Organisation) -> Mail:
        language = organisation.language
        facts = {
            "subject": sentence(_("Sign in to %(company)s"), language, company=organisation.name),
            "preheader": sentence(_("The link works once, for ten minutes."), language),
            "url": url,
        }
        return _rendered("sign_in", language, facts, (to,), organisation, {"kind": "sign_in"})

    def paused(self, sent: Sent, organisation: Organisation) -> Mail:
        language = organisation.language
        counted = {"bounced": sent.bounced, "mails": sent.mails, "share": percent(sent, language)}
        facts = {
            "subject": sentence(_("Sending is paused"), language),
            "preheader": sentence(_("Too many mails came back."), language),
            "why": sentence(WHY_PAUSED, language, **counted),
            "url": self.links.page("/sending"),
        }
        to = organisation.admins or organisation.leadership
        return _rendered("paused", language, facts, to, organisation, {"kind": "paused"})

    def weekly(self, report: "Report", organisation: Organisation) -> Mail:
        from chalicelib.adapters import weekly  # here, so that who writes to customers loads nothing of trends

        language = weekly.language_of(report, organisation)
        url = self.links.page("/trends?" + urlencode({**report.asked, "lang": language}))
        told = {**weekly.facts(report, organisation), "url": url}
        to = weekly.recipients(report, organisation)
        return _rendered("weekly", language, told, to, organisation, {"kind": "weekly"})

    def praise(self, person: str, found: "Sequence[Praise]", organisation: Organisation) -> Mail:
        from chalicelib.adapters import praises  # here, so that who writes to customers loads nothing of recognition

        language = praises.language_of(person, organisation)
        facts = {**praises.facts(person, found, organisation), "url": self.links.page("/me")}
        to = praises.recipients(person, organisation)
        return _rendered("praise", language, facts, to, organisation, {"kind": "praise"})

    def incident(self, incident: Incident, organisation: Organisation) -> Mail:
        language = organisation.language
        driver = drivers_text((incident.id,), incident.survey, organisation, language) or incident.id
        rule = organisation.incidents
        facts = {
            "subject": sentence(_("Incident: %(driver)s"), language, driver=driver),
            "preheader": sentence(_("Many customers name the same, within a short time."), language),
            "driver": driver,
            "department": department_name(incident.department, organisation, language),
            "since": moment(incident.since, organisation.zone, language=base_language(language)),
            "n": rule.answers_min if rule else 0,
            "pauses": rule is not None and rule.pause,
            "url": self.links.page("/incidents"),
        }
        tags = {"kind": "incident", "driver": incident.id}
        return _rendered("incident", language, facts, organisation.leadership, organisation, tags)

    def reply(self, kind: str, to: str, language: str, organisation: Organisation) -> Sms:
        return Sms(to, texts.reply(kind, organisation, language), {"kind": kind})

    def copy(self, customer: Customer, invitations: Sequence[Invitation], organisation: Organisation) -> Mail:
        language = base_language(customer.language or organisation.language)
        facts = {
            "subject": sentence(_("What %(company)s keeps about you"), language, company=organisation.name),
            "preheader": sentence(_("The copy that you asked for."), language),
            "name": customer.name,
            "stored": _stored(customer, invitations),
        }
        return _rendered("copy", language, facts, (_address(customer, "email"),), organisation, {"kind": "copy"})

    def _stoppable(self, stop_url: str, feedback_id: str) -> dict[str, str]:
        """Return the headers by which a mailbox offers to unsubscribe with one click (RFC 8058)."""
        by_mail = f", <mailto:{self.unsubscribe_to}?subject=unsubscribe>" if self.unsubscribe_to else ""
        return {
            **BY_MACHINE,
            "List-Unsubscribe": f"<{stop_url}>{by_mail}",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Feedback-ID": feedback_id,
        }


def _beginning(words: str) -> str:
    """Return the beginning of what a customer wrote: the whole of it stands on the case."""
    return words if len(words) <= DIGEST_WORDS_MAX else f"{words[:DIGEST_WORDS_MAX].rstrip()}…"


def _asking(invitation: Invitation, survey: Survey) -> str:
    title = in_language(survey.title, invitation.language)
    return f"{title} ({invitation.reference})" if invitation.reference else title


def _asked(
    survey: Survey, language: str, organisation: Organisation, own: Mapping[str, str | None], *, reminder: bool
) -> tuple[str, str]:
    """Return the text and the HTML of a mail that asks; what all its readers share is gathered and rendered once."""
    speaks = company(organisation, language)
    variant = survey.version, reminder, *speaks.values()

    def shared() -> Mapping[str, Hashable]:
        return {**speaks, **_survey_facts(survey, language), "is_reminder": reminder}

    text = filled(("mail/invitation.txt", *variant), language, own, shared)
    return text, filled(("mail/invitation.html", *variant), language, own, shared)


def _survey_facts(survey: Survey, language: str) -> dict[str, Hashable]:
    return {
        "preheader": in_language(survey.rating, language),
        "rating": in_language(survey.rating, language),
        "marks": tuple(survey.scale),
        "first": survey.scale[0],
        "last": survey.scale[-1],
        "lowest": in_language(survey.lowest, language),
        "highest": in_language(survey.highest, language),
    }


def _rendered(
    name: str,
    language: str,
    facts: Mapping[str, object],
    to: tuple[str, ...],
    organisation: Organisation,
    tags: Mapping[str, str],
    signature: "Signed | None" = None,
) -> Mail:
    subject = _one_line(str(facts["subject"]))
    given = {**company(organisation, language), **facts, "subject": subject}
    text = render(f"mail/{name}.txt", language, **given)
    html = render(f"mail/{name}.html", language, **given)
    return _mail(subject, text, html, to, signature or signed(organisation), BY_MACHINE, tags)


@dataclass(frozen=True)
class Signed:
    """Who a mail comes from, and who reads what is answered to it: always a mailbox that somebody owns."""

    name: str
    email: str
    reply_to: str


def signed(organisation: Organisation, program: str | None = None, *, department: str | None = None) -> Signed:
    """Return who signs a mail of a program; answers about a case go to the department that leads it."""
    sender, own = organisation.sender, organisation.program(program or "")
    leads = organisation.department(department)
    arbiter = organisation.department(organisation.routing.arbiter)
    owned = leads.alert_to[0] if leads else (own.sender.reply_to if own else None) or sender.reply_to
    fallback = arbiter.alert_to[0] if arbiter else organisation.leadership[0]
    return Signed((own.sender.name if own else None) or sender.name, sender.email, owned or fallback)


def _mail(
    subject: str,
    text: str,
    html: str,
    to: tuple[str, ...],
    signature: Signed,
    headers: Mapping[str, str],
    tags: Mapping[str, str],
) -> Mail:
    return Mail(
        to=to,
        subject=subject,
        text=text,
        html=html,
        sender_name=signature.name,
        sender=signature.email,
        reply_to=signature.reply_to,
        headers=headers,
        tags=tags,
    )


def _one_line(subject: str) -> str:
    # A line break in a subject would open a door into the headers; texts of the organisation may hold some.
    return " ".join(subject.split())


def _address(customer: Customer, channel: Channel) -> str:
    address = customer.address(channel)
    if not address:
        raise Invalid(Problem(f"/customer/{channel}", "there is no address to write to"))
    return address


def _stored(customer: Customer, invitations: Sequence[Invitation]) -> str:
    """Return every stored field, so that a copy leaves nothing out; empty ones say nothing."""
    kept = {
        "customer": customer.model_dump(mode="json", exclude_defaults=True),
        "surveys": [each.model_dump(mode="json", exclude_defaults=True) for each in invitations],
    }
    return json.dumps(kept, ensure_ascii=False, indent=2)
