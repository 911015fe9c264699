"""Asking another host in plain JSON: WebFinger, and where NodeInfo is (RFC 7033, R13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from collab.core.errors import Missing, Unreachable
from collab.core.i18n import N_
from collab.federation.hosts import BadHost
from collab.federation.strictjson import Malformed, parse
from collab.federation.transport import Unreachable as NoAnswer

if TYPE_CHECKING:
    from collab.federation.house import Federation

Json = dict[str, Any]
JRD = "application/jrd+json, application/json"
AP_TYPES = ("application/activity+json", "application/ld+json")
GONE = frozenset({404, 410})

UNKNOWN = N_("Personne ne répond à cette adresse. Vérifiez-la auprès de qui vous l’a donnée.")
SILENT = N_("L’autre instance ne répond pas. Réessayez dans quelques minutes.")
ODD = N_("L’autre instance a donné une réponse que nous ne comprenons pas.")


def finger(federation: Federation, account: str) -> str | None:
    """Whom a host names behind `name@host`; asked again at the host it points to (R13)."""
    host = account.partition("@")[2]
    subject, found = _ask_finger(federation, host, f"acct:{account}")
    other = subject.partition("@")[2]
    if found is None or not other or other == host:
        return found
    _, again = _ask_finger(federation, other, f"acct:{subject}")
    return found if again == found else None


def _ask_finger(federation: Federation, host: str, resource: str) -> tuple[str, str | None]:
    """The subject (`name@host`) and the actor of one WebFinger answer. RFC 7033."""
    federation.require_peer(host)
    question = f"/.well-known/webfinger?resource={quote(resource, safe=':@')}"
    answer = ask_json(federation, host, question)
    subject = str(answer.get("subject", "")).removeprefix("acct:")
    account, _, named = subject.rpartition("@")
    try:
        subject = f"{account}@{federation.canonical(named)}" if named else ""
    except BadHost:
        return "", None
    for link in links_of(answer):
        if link.get("rel") == "self" and str(link.get("type", "")).startswith(AP_TYPES):
            href = link.get("href")
            return subject, href if isinstance(href, str) else None
    return subject, None


def ask_json(federation: Federation, host: str, path: str) -> Json:
    """A plain JSON answer of another host, unsigned. Raises Missing or Unreachable."""
    loopback = host.startswith(("127.", "localhost", "[::1]"))
    url = f"{'http' if loopback else 'https'}://{host}{path}"
    federation.let_go()
    try:
        answer = federation.transport.request("GET", url, headers={"Accept": JRD}, limit=1 << 17)
    except NoAnswer as error:
        raise Unreachable(SILENT) from error
    if answer.status in GONE:
        raise Missing(UNKNOWN)
    if answer.status != 200:
        raise Unreachable(ODD)
    try:
        return parse(answer.body)
    except Malformed as error:
        raise Unreachable(ODD) from error


def links_of(answer: Json) -> list[Json]:
    """The links of a JRD or of NodeInfo, fifty at most."""
    links = answer.get("links")
    found = links[:50] if isinstance(links, list) else []
    return [link for link in found if isinstance(link, dict)]
