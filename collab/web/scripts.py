"""The scripts of a page are asked for once the page is seen.

No page needs its scripts to be read. On a slow network, asked for with the page, they come before
its first picture is drawn and hold it back; asked for right after, they cost the reader nothing.
So a page names them in `data-src`, and a few words written into the page ask for them, in their
order, when something has been drawn. The policy allows these very words by their hash, no other
script in a page.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode

from flask import Flask
from markupsafe import Markup

BEGIN = (
    "const go=()=>{for(const s of document.querySelectorAll('script[data-src]'))"
    "s.async=false,s.src=s.dataset.src};"
    # A page that nobody looks at draws nothing, and old browsers do not say when they did.
    "document.hidden||!(PerformanceObserver.supportedEntryTypes||[]).includes('paint')?go():"
    "requestAnimationFrame(()=>new PerformanceObserver(go).observe({type:'paint',buffered:true}))"
)
ALLOWED = "'sha256-" + b64encode(hashlib.sha256(BEGIN.encode()).digest()).decode() + "'"
"""For the policy."""


def register(app: Flask) -> None:
    """Give templates `begin_scripts()`, which stands after the last script of a page."""
    app.jinja_env.globals["begin_scripts"] = begin_scripts


def begin_scripts() -> Markup:
    """The words that ask for every `script[data-src]` of the page."""
    return Markup(f'<script type="module">{BEGIN}</script>')  # noqa: S704 - our own words
