"""An address to listen on: read it, see that it is free, ask whether it serves pages yet."""

from __future__ import annotations

import errno
import socket

PROBE_TIMEOUT = 1.0  # seconds


class Refused(Exception):
    """The instance cannot be started like this; the message says what to do."""


def address(bind: str) -> tuple[str, int]:
    """Split `host:port` or `[v6 host]:port`.

    Raises:
        Refused: it is neither.
    """
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise Refused(f"{bind!r} is no address to listen on: write it like 127.0.0.1:8000")
    return host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port)  # noqa: S104 - asked


def check_port(host: str, port: int) -> int:
    """Return a port that nobody listens on: this one, or any when it is 0.

    Raises:
        Refused: it is taken, needs more rights, or the machine has no such address.
    """
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(where)
            trial.listen(1)
            return int(trial.getsockname()[1])
    except OSError as problem:
        raise Refused(port_advice(host, port, problem)) from None


def port_advice(host: str, port: int, problem: OSError) -> str:
    """What to do about an address that cannot be listened on."""
    other = f"another one with PORT=8001 or --bind {host}:8001"
    if problem.errno == errno.EADDRINUSE:
        return f"port {port} is already in use: stop the program that holds it, or choose {other}"
    if problem.errno == errno.EACCES:
        return f"port {port} is for the system's own programs: choose {other}"
    return f"cannot listen on {host} ({problem.strerror}): 127.0.0.1 is this machine alone"


def answers_ready(host: str, port: int) -> bool:
    """Whether `GET /readyz` is answered with 200 there: by a bare socket, to our own child."""
    question = f"GET /readyz HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT) as connection:
            connection.sendall(question.encode())
            with connection.makefile("rb") as answer:
                status_line, _, _ = answer.read(4096).partition(b"\r\n")
    except OSError:
        return False
    return status_line.split(b" ")[1:2] == [b"200"]
