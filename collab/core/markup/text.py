"""What a text says without its markup: for searching, mails and previews."""

from __future__ import annotations

import re
from html import unescape

BREAKS = re.compile(
    r"<(?:br|hr|/p|/li|/h[1-6]|/tr|/dt|/dd|/div|/pre|/blockquote|/figcaption|/summary)"
    r"(?=[ >])[^>]*>"
)
GAPS = re.compile(r"</t[dh]>")
TAG = re.compile(r"</?[a-z][a-z0-9]*(?: [a-z-]+=\"[^\"]*\")*>")
BLANKS = re.compile(r"[^\S\n]+")
LINES = re.compile(r" ?\n\s*")


def plain(html: str) -> str:
    """The text of HTML that this package made: one line per block, nothing escaped."""
    lined = GAPS.sub(" ", BREAKS.sub("\n", html.replace("\n", " ")))
    text = unescape(TAG.sub("", lined))
    return LINES.sub("\n", BLANKS.sub(" ", text)).strip()


def excerpt(text: str, limit: int = 200) -> str:
    """The beginning of plain text on one line, at most `limit` characters, cut between words."""
    line = " ".join(text[: limit * 4].split())
    if len(line) <= limit and len(text) <= limit * 4:
        return line
    cut = line[: limit - 1]
    if line[limit - 1 : limit] != " " and " " in cut[limit // 2 :]:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ,;:.") + "…"
