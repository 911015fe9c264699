"""Small words between the processes of one instance that are worth something only now.

Who is here, who is writing: said to whoever listens at this moment, never stored. What a listener
cannot take at once is lost to it, and nobody waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from collab.core.pulse import open_folder, run_folder

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
        """Tell every listener. Never raises, never waits."""
        told = json.dumps(words, ensure_ascii=False).encode()
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        if not names or len(told) > LONGEST:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            for name in names:
                with contextlib.suppress(OSError):
                    out.sendto(told, str(self._folder / name))

    def listen(self, name: str) -> Overheard:
        """Start listening under a name that is unique within this process."""
        open_folder(self._folder)
        return Overheard(self._folder / f"{os.getpid()}-{name}")


class Overheard:
    """Takes what is said from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def fileno(self) -> int:
        """For an event loop that waits in its own way and then calls `take(0)`."""
        return self._socket.fileno()

    def take(self, seconds: float) -> list[Json]:
        """What was said, waiting for it so long; [] when nothing was."""
        found: list[Json] = []
        self._socket.settimeout(max(seconds, 0.001))
        with contextlib.suppress(OSError):  # TimeoutError is one: there is nothing more
            while len(found) < AT_ONCE:
                words = json.loads(self._socket.recv(LONGEST))
                self._socket.setblocking(False)
                found.append(words)
        return found

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
