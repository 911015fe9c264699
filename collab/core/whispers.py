"""Small words between the processes of one instance that are worth something only now.

Who is here, who is writing: said to whoever listens at this moment, never stored. What a listener
cannot take at once is lost to it, and nobody waits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from collab.core.pulse import Ear, cast, run_folder

Json = dict[str, Any]
LONGEST = 64_000
"""Bytes of one thing said."""
AT_ONCE = 200
"""Things taken in one go, so that a flood cannot keep a listener from its other duties."""


class Whispers:
    """What the processes of one instance say to each other, found by its folder."""

    def __init__(self, instance: Path) -> None:
        self._folder = run_folder(instance, "said")

    def say(self, words: Json) -> None:
        """Tell every listener. Never raises, never waits; what is too long is not said."""
        told = json.dumps(words, ensure_ascii=False).encode()
        if len(told) <= LONGEST:
            cast(self._folder, told)

    def listen(self, name: str) -> Overheard:
        """Start listening under a name that is unique within this process."""
        return Overheard(self._folder, name)


class Overheard(Ear):
    """Takes what is said from now on."""

    def take(self, seconds: float) -> list[Json]:
        """What was said, waiting for it so long; [] when nothing was."""
        return [json.loads(told) for told in self.hear(seconds, LONGEST, AT_ONCE)]
