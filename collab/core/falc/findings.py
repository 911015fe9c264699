"""What the checker says: which rule, where, why, and what could stand there instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REQUIREMENTS = {
    "long": "F-02",
    "ideas": "F-02",
    "lines": "F-02",
    "word": "F-03",
    "same": "F-03",
    "foreign": "F-04",
    "abbreviation": "F-04",
    "initials": "F-04",
    "sign": "F-04",
    "percent": "F-04",
    "large": "F-04",
    "note": "F-04",
    "digits": "F-05",
    "date": "F-05",
    "negative": "F-05",
    "passive": "F-05",
    "vous": "F-05",
    "caps": "F-06",
    "italics": "F-06",
}
"""Every rule, and the requirement of the European easy-to-read rules that it stands for."""


@dataclass(frozen=True)
class Finding:
    """One fault. `says` is a French sentence with the places of `given` (`%(words)s`)."""

    rule: str
    start: int
    end: int
    words: str
    says: str
    mend: str = ""
    """What could be written there instead; "" when only a person can say."""
    given: Mapping[str, str] = field(default_factory=dict)
    definition: str = ""
    """What the glossary says of the word, to be put under the text."""

    @property
    def requirement(self) -> str:
        """The number of the requirement: `F-02`."""
        return REQUIREMENTS[self.rule]

    @property
    def sentence(self) -> str:
        """The French sentence, whole."""
        return self.says % {"words": self.words, "mend": self.mend, **self.given}
