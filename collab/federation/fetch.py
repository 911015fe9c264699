"""Believe a document only at its own address, wherever redirects lead."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from collab.federation.hosts import BadHost, locate, same_origin
from collab.federation.signatures.message import is_activity_type
from collab.federation.signer import ACCEPT, MAX_REDIRECTS, Signer, located
from collab.federation.strictjson import MAX_BYTES, Malformed, parse
from collab.federation.transport import Answer, Transport, Unreachable

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AHEAD = timedelta(days=1)


class Unfetched(Exception):
    """A document that cannot be had, or not believed.

    `code`: `unreachable` (`detail` says why), `status`, `redirect`, `wrong_type`, `malformed`,
    `wrong_id`, `in_future`. `status`: the HTTP status of the last answer, 0 without one.
    """

    def __init__(self, code: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status


Sign = Callable[[str, str], dict[str, str]]
Way = Signer | Sign | None
Admits = Callable[[str], bool]
"""Whether a host may be asked at all. Called between two requests, never during one."""


def fetch_document(
    transport: Transport,
    iri: str,
    *,
    sign: Way,
    now: datetime,
    admits: Admits,
    deadline: float = 10.0,
) -> dict[str, Any]:
    """Fetch an ActivityStreams document and return it, its `id` being where it was found.

    `sign` is a Signer (which knocks twice), or makes the headers of one request from method and
    address, or is None; every hop of at most three redirects is signed anew, and leads only to
    hosts that `admits` lets; whether the first may be asked, the caller knows. A document whose
    `id` is elsewhere on the same host is fetched again from there, once. `deadline`: seconds in
    all. Whoever asked for one address and gets a document of another id believes the id.

    Raises Unfetched. FEDERATION.md R9, R10, R24, R41, R44, R54.
    """
    ends = time.monotonic() + deadline
    answer = follow(transport, iri, sign, ends, admits)
    document = _document(answer, now)
    if _is_at(document["id"], answer.url, iri):
        return document
    if not same_origin(document["id"], answer.url):
        raise Unfetched("wrong_id", "The document claims to be of another host.", answer.status)
    again = follow(transport, document["id"], sign, ends, admits)
    second = _document(again, now)
    if not _is_at(second["id"], again.url, document["id"]):
        raise Unfetched("wrong_id", "The document is not where it says it is.", again.status)
    return second


def follow(
    transport: Transport,
    iri: str,
    sign: Way,
    ends: float,
    admits: Admits,
    limit: int = MAX_BYTES,
) -> Answer:
    """Ask; follow at most three redirects, each judged and signed anew (R24, R54).

    Raises Unfetched.
    """
    url = iri
    seen: set[str] = set()
    while len(seen) <= MAX_REDIRECTS:
        answer = _get(transport, url, sign, ends, limit)
        if answer.status not in _REDIRECTS:
            return answer
        seen.add(answer.url)
        url = _redirected(answer, admits)
        if url in seen:
            raise Unfetched("redirect", "The redirects go round in circles.", answer.status)
    raise Unfetched("redirect", f"More than {MAX_REDIRECTS} redirects.", answer.status)


def _get(transport: Transport, url: str, sign: Way, ends: float, limit: int) -> Answer:
    left = ends - time.monotonic()
    try:
        if isinstance(sign, Signer):
            return sign.get(url, limit=limit, deadline=left)
        url = located(url).url
        headers = ({} if sign is None else sign("GET", url)) | {"Accept": ACCEPT}
        return transport.request("GET", url, headers=headers, limit=limit, deadline=left)
    except Unreachable as error:
        raise Unfetched("unreachable", str(error)) from error


def _redirected(answer: Answer, admits: Admits) -> str:
    """Where an answer sends us, never from https to http, nor to a host that is not let in."""
    try:
        place = locate(urljoin(answer.url, answer.headers.get("location", "")), allow_loopback=True)
    except ValueError as error:
        raise Unfetched("redirect", "A redirect to nowhere.", answer.status) from error
    if place.scheme != "https" and answer.url.startswith("https:"):
        raise Unfetched("redirect", "A redirect away from https.", answer.status)
    if not same_origin(place.url, answer.url) and not admits(place.host):
        raise Unfetched("redirect", "A redirect to a host that is not let in.", answer.status)
    return place.url


def _document(answer: Answer, now: datetime) -> dict[str, Any]:
    if answer.status != 200:
        raise Unfetched("status", f"The answer is {answer.status}.", answer.status)
    if not is_activity_type(answer.headers.get("content-type", "")):
        raise Unfetched("wrong_type", "The answer is not declared as ActivityStreams.", 200)
    try:
        document = parse(answer.body)
    except Malformed as error:
        raise Unfetched("malformed", f"The document is malformed: {error}.", 200) from error
    if not isinstance(document.get("id"), str):
        raise Unfetched("wrong_id", "The document has no id.", 200)
    _check_published(document.get("published"), now)
    return document


def _check_published(published: object, now: datetime) -> None:
    """Refuse what will be published in more than a day (R44); other oddities are the reader's."""
    try:
        moment = datetime.fromisoformat(published) if isinstance(published, str) else now
    except ValueError:
        return
    if (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) > now + _AHEAD:
        raise Unfetched("in_future", "The document is of tomorrow or later.", 200)


def _is_at(identity: str, url: str, asked: str) -> bool:
    """Whether an id is the address of its document; a fragment counts only when asked for."""
    if "#" in identity and identity != asked:
        return False
    plain = identity.partition("#")[0]
    if plain.isascii():
        return plain == url
    try:
        return locate(plain, allow_loopback=True).url == url
    except BadHost:
        return False
