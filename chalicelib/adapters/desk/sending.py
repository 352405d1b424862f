"""Show how sending goes: what came back, whether it is paused and how to go on, and where machines open links."""

from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.messages import percent
from chalicelib.adapters.templates import Page
from chalicelib.adapters.templates.formats import number
from chalicelib.domain.sending import REACH_DAYS, Sending

REACHES_MAX = 50


def sending_page(desk: Desk, sending: Sending, *, done: bool = False) -> Page:
    """Return the page; whoever administers may let sending go on."""
    breaker, sent = desk.organisation.breaker, sending.sent
    return desk_page(
        "staff/sending.html",
        desk,
        current="/sending",
        pause=sending.pause,
        may_resume=desk.principal is not None and desk.principal.role == "admin",
        done=done,
        mails=sent.mails,
        bounced=sent.bounced,
        share=percent(sent, desk.language),
        limit=number(100 * breaker.share_max, 1, language=desk.language),
        least=breaker.bounces_min,
        days=REACH_DAYS,
        reaches=[
            {
                "domain": each.domain,
                "opened": each.opened,
                "scanned": each.scanned,
                "share": number(100 * each.share, 0, language=desk.language),
            }
            for each in sending.reaches[:REACHES_MAX]
        ],
    )
