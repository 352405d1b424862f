"""Turn a template, a language and facts into what people read: pages, mails, texts.

`render` gives the text of one template, `page` an HTML page with the headers that guard it; `filled` and `shared_page`
do the same for what many readers share, a hundred times faster. Templates live in
`chalicelib/templates`: pages extend `base.html` (staff) or `customer/base.html`; sentences stand in English inside
`_("…")` or `{% trans %}` and are translated in `locale/<language>/LC_MESSAGES/*.po` (`python -m infra.build` says
what is missing). Style and script are assets, inlined by `inline.style("x.css")` and `inline.script("x.js")`: only
what came from there may run.
"""

from chalicelib.adapters.templates.catalogue import _, sentence, sentences
from chalicelib.adapters.templates.engine import environment, render
from chalicelib.adapters.templates.page import Page, kept_page, page, shared_page
from chalicelib.adapters.templates.skeleton import filled

__all__ = ["Page", "_", "environment", "filled", "kept_page", "page", "render", "sentence", "sentences", "shared_page"]
