"""What the checker says of a text, made ready for a page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from collab.core.falc import MAX_CHECKED, Finding, check
from collab.spaces.tools.simple.queries import terms

MOST = 60
"""Findings shown at once; whoever mends them asks again."""


@dataclass(frozen=True)
class Checked:
    """The findings of a text, and the text with the definitions it lacks."""

    text: str
    findings: tuple[Finding, ...]

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The first of them."""
        return self.findings[:MOST]

    @property
    def definitions(self) -> tuple[str, ...]:
        """The definitions of its difficult words, each once."""
        return tuple(dict.fromkeys(f.definition for f in self.findings if f.definition))

    @property
    def with_definitions(self) -> str:
        """The text, and below it every definition, one sentence per line."""
        lines = [d.replace(". ", ".\n") for d in self.definitions]
        return "\n\n".join([self.text.rstrip(), *lines]) if lines else self.text


def checked(session: Session, text: str) -> Checked:
    """Look at what somebody typed, with the glossary of this instance."""
    text = text.replace("\r\n", "\n")
    return Checked(text, tuple(check(text[:MAX_CHECKED], terms(session))) if text.strip() else ())
