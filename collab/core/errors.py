"""Every way an operation can say no. Doors turn these into HTTP, socket or AP answers."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """Base of all expected failures. `status` is the HTTP meaning, `code` the stable API name.

    The message is a French source string (marked with `N_`); doors translate it.
    """

    status = 400
    code = "problem"

    def __init__(self, message: str = "", **more: Any) -> None:
        super().__init__(message or self.code)
        self.message = message
        self.more = more


class Invalid(Problem):
    """The input is malformed; `fields` maps a field name to a translatable message."""

    status = 422
    code = "invalid"

    def __init__(self, **fields: str) -> None:
        super().__init__("; ".join(f"{k}: {v}" for k, v in fields.items()))
        self.fields = fields


class Unauthenticated(Problem):
    """Nobody is logged in, or the token is not valid."""

    status = 401
    code = "unauthenticated"


class Forbidden(Problem):
    """The actor is known and may not do this."""

    status = 403
    code = "forbidden"


class Missing(Problem):
    """Not there, or not visible to this actor: the two are told apart to nobody."""

    status = 404
    code = "missing"


class Conflict(Problem):
    """Somebody was faster, or the thing is not in a state that allows this."""

    status = 409
    code = "conflict"


class TooMany(Problem):
    """Too often, in too short a time."""

    status = 429
    code = "too_many"


class Unreachable(Problem):
    """Another instance did not answer, or answered nonsense."""

    status = 502
    code = "unreachable"
