"""A wake-up between the processes of one instance: « something was committed, look now ».

Losing a pulse costs a second, never a fact: everybody also polls. Each listener owns a datagram
socket in a private folder; a beat sends one byte to each.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import tempfile
from pathlib import Path

LONGEST_PATH = 80
"""Characters; AF_UNIX addresses end at about 104 on the systems we know."""
MOST_BEATS = 1000
"""Beats that count as one."""


def run_folder(instance: Path, name: str = "run") -> Path:
    """Where the processes of an instance leave sockets for each other; short enough for AF_UNIX."""
    folder = instance / name
    if len(str(folder)) <= LONGEST_PATH:
        return folder
    told = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"collab-{os.getuid()}-{told}"


def open_folder(folder: Path) -> None:
    """Make such a folder, for this user alone, and clear what dead processes left in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        pid = path.name.partition("-")[0]
        try:
            os.kill(int(pid), 0)
        except (ValueError, ProcessLookupError):
            path.unlink(missing_ok=True)
        except PermissionError:
            continue


def cast(folder: Path, told: bytes) -> None:
    """Send a datagram to every socket of such a folder. Never raises, never waits."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    if not names:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        for name in names:
            with contextlib.suppress(OSError):
                out.sendto(told, str(folder / name))


class Ear:
    """A socket in such a folder, under a name that is unique within this process."""

    def __init__(self, folder: Path, name: str) -> None:
        open_folder(folder)
        self._path = folder / f"{os.getpid()}-{name}"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))

    def fileno(self) -> int:
        """For an event loop that waits in its own way and then takes what is there."""
        return self._socket.fileno()

    def hear(self, seconds: float, longest: int, most: int) -> list[bytes]:
        """Datagrams of at most `longest` bytes, at most so many, waiting for the first so long."""
        found: list[bytes] = []
        self._socket.settimeout(max(seconds, 0.001))
        with contextlib.suppress(OSError):  # TimeoutError is one: there is nothing more
            while len(found) < most:
                found.append(self._socket.recv(longest))
                self._socket.setblocking(False)
        return found

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


class Pulse:
    """The pulse of one instance, found by its folder."""

    def __init__(self, instance: Path) -> None:
        self._folder = run_folder(instance)

    def beat(self) -> None:
        """Wake every listener. Never raises, never waits."""
        cast(self._folder, b"!")

    def listen(self, name: str) -> Listener:
        """Start listening under a name that is unique within this process."""
        return Listener(self._folder, name)


class Listener(Ear):
    """Waits for a beat."""

    def wait(self, seconds: float) -> bool:
        """Sleep until a beat or for `seconds`. True when a beat came; several count as one."""
        return bool(self.hear(seconds, 16, MOST_BEATS))
