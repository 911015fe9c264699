"""What a file holds that its document will not: said to whoever brings it in."""

from __future__ import annotations

import re

from collab.core.i18n import N_
from collab.spaces.tools.pages.sheets import FRONT, read_front

SCRIPT = N_("Un script est enlevé.")
HANDLER = N_("Une action cachée dans une balise (onclick, onerror…) est enlevée.")
ADDRESS = N_("Un lien « data: » ou « javascript: » est enlevé.")
BROKEN = N_("L’en-tête se lit mal : seuls titre, description et mots-clés en sont gardés.")
CODE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1|`[^`\n]*`", re.M | re.S)
FORBIDDEN = {
    SCRIPT: re.compile(r"<script\b", re.I),
    HANDLER: re.compile(r"<[a-z][^<>]*[\s/]on[a-z]+\s*=", re.I),
    ADDRESS: re.compile(
        r"(?:\]\(|\]:|(?:href|src)\s{0,9}=|<)[\s<\"']{0,9}(?:data|javascript|vbscript):", re.I
    ),
}


def left_out(raw: bytes) -> list[str]:
    """What a file that can be read will be shown without (French source strings).

    Code is not counted: it is shown as it was typed.
    """
    text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    match = FRONT.match(text)
    words = CODE.sub("", text[match.end() :] if match else text)
    told = [what for what, sign in FORBIDDEN.items() if sign.search(words)]
    return told + ([BROKEN] if match and read_front(match[1]) is None else [])
