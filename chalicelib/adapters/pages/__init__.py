"""Show the customer her pages: the survey, the thanks, the end of its window, her wishes and her data."""

from chalicelib.adapters.pages.mended import mended_page, mended_thanks_page
from chalicelib.adapters.pages.plain import busy_page, error_page, expired_page, not_found_page, too_large_page
from chalicelib.adapters.pages.privacy import copied_page, erased_page, privacy_page
from chalicelib.adapters.pages.stop import resubscribed_page, unsubscribe_page, unsubscribed_page
from chalicelib.adapters.pages.survey import closed_page, filled_from, survey_page, thanks_page
from chalicelib.adapters.templates import Page

__all__ = [
    "Page",
    "busy_page",
    "closed_page",
    "copied_page",
    "erased_page",
    "error_page",
    "expired_page",
    "filled_from",
    "mended_page",
    "mended_thanks_page",
    "not_found_page",
    "privacy_page",
    "resubscribed_page",
    "survey_page",
    "thanks_page",
    "too_large_page",
    "unsubscribe_page",
    "unsubscribed_page",
]
