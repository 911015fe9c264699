"""How complete our copy of a remote project is: in words for its readers, in figures for programs.

FEDERATION.md 4.5. Complete is what holds the same as its host at the same entry, every entry of
the log having had its effect.
"""

from __future__ import annotations

from typing import Any

from flask_babel import format_datetime, gettext, ngettext
from sqlalchemy.orm import Session

from collab.federation.catchup import FORBIDDEN
from collab.federation.models import PARTIAL, Mirror
from collab.federation.unapplied import count_unapplied
from collab.people.models import Peer
from collab.spaces.models import Space


def mirror_words(session: Session, space: Space) -> str:
    """How complete our copy is, in the reader's words."""
    row = session.get(Mirror, space.id)
    if row is None or row.state != "active":
        return str(_stands(row, space.host))
    peer = session.get(Peer, space.host)
    if peer is not None and peer.fail_count and peer.first_fail_at:
        away = gettext(
            "%(host)s ne répond pas depuis le %(when)s. Vous pouvez tout lire ; ce que vous "
            "écrivez partira à son retour.",
            host=space.host,
            when=format_datetime(peer.first_fail_at, "d MMMM, HH:mm"),
        )
        return str(away)
    if row.turned_away:
        return str(_turned_away(row, space.host))
    return str(_reaches(row, space.host, count_unapplied(session, space.id)))


def mirror_figures(session: Session, space: Space) -> dict[str, Any] | None:
    """How our copy stands, in figures; None when there is none."""
    row = session.get(Mirror, space.id)
    if row is None:
        return None
    missing = count_unapplied(session, space.id)
    same = row.seq == row.remote_seq and bool(row.remote_digest) and not _differs(row)
    return {
        "state": row.state,
        "seq": row.seq,
        "remote_seq": row.remote_seq,
        "behind": max(row.remote_seq - row.seq, 0),
        "verified_at": row.verified_at,
        "checked_at": row.checked_at,
        "remote_state_digest": row.remote_digest,
        "complete": same and not missing and row.state == "active" and not row.turned_away,
        "differs": _differs(row),
        "unapplied": missing,
        "turned_away": row.turned_away,
        "last_error": row.last_error,
    }


def _differs(row: Mirror) -> bool:
    """Whether it held something else than its host when both were last compared, at one entry."""
    return row.remote_digest != row.state_digest


def _stands(row: Mirror | None, host: str) -> object:
    """Why a copy is not kept up to date, in words."""
    if row is None or row.state in ("refused", "ended"):
        return gettext("Sur %(host)s. Il n’y en a pas de copie ici.", host=host)
    if row.state == PARTIAL:
        return gettext(
            "Copie partielle d’une communauté de %(host)s : ce qui s’y dit depuis que "
            "quelqu’un d’ici la suit, et une partie de ce qui précède.",
            host=host,
        )
    if row.state == "broken":
        return gettext(
            "Le journal de %(host)s se contredit : cette copie s’arrête à l’entrée %(seq)s. "
            "Ce qui était bon reste lisible.",
            host=host, seq=row.seq,
        )  # fmt: skip
    return gettext("Copie demandée à %(host)s, en attente de sa réponse.", host=host)


def _turned_away(row: Mirror, host: str) -> object:
    """Why the host gives nothing more to a copy that is otherwise in order, in words."""
    if row.turned_away == FORBIDDEN:
        return gettext(
            "%(host)s refuse de nous donner la suite : elle a peut-être bloqué notre instance. Ce "
            "qui a été copié jusqu’à l’entrée %(seq)s reste lisible.",
            host=host, seq=row.seq,
        )  # fmt: skip
    return gettext(
        "%(host)s ne nous donne plus la suite : ce projet n’y est plus, ou n’est plus partagé avec "
        "notre instance. Ce qui a été copié jusqu’à l’entrée %(seq)s reste lisible.",
        host=host, seq=row.seq,
    )  # fmt: skip


def _reaches(row: Mirror, host: str, missing: int) -> object:
    """How far a copy that is kept up to date reaches, in words."""
    behind = max(row.remote_seq - row.seq, 0)
    if behind:
        return ngettext(
            "Copie en cours : il manque %(num)s entrée.",
            "Copie en cours : il manque %(num)s entrées.", behind,
        )  # fmt: skip
    if missing:
        return ngettext(
            "Copie à jour, sauf %(num)s entrée du journal qui n’a pas pu être reprise ici : nous "
            "réessayons.",
            "Copie à jour, sauf %(num)s entrées du journal qui n’ont pas pu être reprises ici : "
            "nous réessayons.", missing,
        )  # fmt: skip
    if row.unrepaired:
        return ngettext(
            "Copie à jour, mais %(num)s texte diffère de l’original : nous le redemandons.",
            "Copie à jour, mais %(num)s textes diffèrent de l’original : nous les redemandons.",
            len(row.unrepaired),
        )
    if _differs(row):
        return gettext(
            "Copie à jour jusqu’à l’entrée %(seq)s, mais son contenu diffère de l’original : nous "
            "comparons.",
            seq=row.seq,
        )
    if not row.remote_digest:
        return gettext(
            "Copie à jour jusqu’à l’entrée %(seq)s, pas encore comparée à l’original.", seq=row.seq
        )
    return gettext(
        "Copie complète d’un projet de %(host)s, vérifiée jusqu’à l’entrée %(seq)s.",
        host=host, seq=row.seq,
    )  # fmt: skip
