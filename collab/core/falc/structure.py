"""F-02: one idea per sentence, at most twelve words, one sentence per line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from collab.core.falc.findings import Finding
from collab.core.falc.text import Sentence
from collab.core.i18n import N_

LONGEST = 12
"""Words in a sentence; more are told."""
PERSON = r"(?:je|tu|il|elle|on|nous|vous|ils|elles|j[’']|c[’']est)"
SECOND_IDEA = re.compile(
    rf"""(?ix)
    ;
    | ,[ ](?:qui|que|où)\b
    | \bdont\b
    | \b(?:à[ ])?(?:lequel|laquelle|lesquels|lesquelles)\b
    | \b(?:auquel|auxquels|auxquelles|duquel|desquels|desquelles)\b
    | (?:,[ ]|(?<=\w)[ ])car[ ](?={PERSON}|l[ea]s?\b|l[’']|ce|cette|ces|son|sa|ses|votre|notre|il)
    | ,[ ](?:mais|puis|alors|donc|or|sinon)\b
    | ,?[ ]et[ ]{PERSON}\b(?![ ]?\?)
    | \b(?:parce|puis|lors|tandis|alors|bien|quoi|afin|ainsi|pour|sans|dès|avant)[ ]?(?<=[a-z][ ])
        qu(?:e\b|[’'])
    | \b(?:puisque|lorsque|quoique)\b | \b(?:puisqu|lorsqu|quoiqu)[’']
    | \((?![ ]?\d+[ ]?\))[^()]{{3,}}\)
    """
)
LONG = N_("Cette phrase a %(count)s mots. Une phrase simple a 12 mots au plus. Coupez-la en 2.")
IDEAS = N_("Cette phrase dit plusieurs idées. Écrivez une phrase pour chaque idée.")
LINES = N_("Cette phrase commence au milieu de la ligne. Mettez-la sur une nouvelle ligne.")


def structure(parts: Sequence[Sentence]) -> Iterator[Finding]:
    """Sentences that are too long, say two things, or share a line."""
    for one in parts:
        count = one.words()
        if count > LONGEST:
            given = {"count": str(count)}
            yield Finding("long", one.start, one.end, one.text, LONG, given=given)
        yield from _ideas(one)
        if not one.opens_line:
            yield Finding("lines", one.start, one.end, one.text, LINES)


def _ideas(one: Sentence) -> Iterator[Finding]:
    """The first place only: a sentence that is cut there is looked at again."""
    found = SECOND_IDEA.search(one.text)
    if found and not one.text.strip().startswith("("):
        start = one.start + found.start()
        yield Finding(
            "ideas", start, one.start + found.end(), found[0].strip(" ,"), IDEAS,
        )  # fmt: skip
