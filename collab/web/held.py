"""A form that could not be taken: carried along in the answer, so that nothing is lost.

R-16 (PRODUCT.md 5.1), without a script: what was typed when the session had ended stays a form,
first beside the one to log in, then on its own, filled in and with a button. What was sent while
the database was busy comes back in the same way. Nothing of it is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask_wtf.csrf import CSRFError

from collab.spaces.reports import REASONS
from collab.web.security import require_our_page

TEXTS = (
    "name", "title", "body", "source", "summary", "note", "description", "words", "why", "who",
    "how", "reason", "answer", "tagline", "about", "contact", "word", "definition", "spoken",
    "readers", "organisation", "failures", "burden", "exempt", "sample", "means",
)  # fmt: skip
"""Fields that people write in; a form without any of them costs nothing to send again."""
SECRETS = ("code", "old", "new")
PATH, MARK = "held.path", "held:"
APART = ("csrf_token", PATH)


@dataclass(frozen=True)
class Held:
    """A form that waits: where it is to go, and its fields as they were sent."""

    path: str
    fields: tuple[tuple[str, str], ...]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """The same as hidden fields of another form."""
        return [(PATH, self.path), *((MARK + name, value) for name, value in self.fields)]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What people wrote, to be read and changed."""
        return [
            (name, value)
            for name, value in self.fields
            if name in TEXTS and value.strip() and value not in REASONS  # which are chosen
        ]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """All the rest."""
        return [pair for pair in self.fields if pair not in self.shown]


def just_sent() -> Held | None:
    """The form of this request, if somebody wrote something into it on a page of ours."""
    written = any(request.form.get(name, "").strip() for name in TEXTS)
    return to_send_again() if written else None


def to_send_again() -> Held | None:
    """The form of this request as it was sent by a page of ours, if it can be carried.

    Another site could send one as well, and have whoever logs in then send it on: none of those.
    Files cannot be carried, and passwords are not.
    """
    form = request.form
    secret = any(name in SECRETS or "password" in name for name in form)
    if request.method != "POST" or secret or any(request.files.values()):
        return None
    try:
        require_our_page()
    except CSRFError:
        return None
    pairs = [(name, value) for name, value in form.items(multi=True) if name not in APART]
    return Held(request.full_path.removesuffix("?"), tuple(pairs))


def carried_along() -> Held | None:
    """The form that came along with the one to log in."""
    path = request.form.get(PATH, "")
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return None
    fields = [
        (name.removeprefix(MARK), value)
        for name, value in request.form.items(multi=True)
        if name.startswith(MARK)
    ]
    return Held(path, tuple(fields))
