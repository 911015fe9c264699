"""How times, numbers and addresses are said on pages, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal
from flask import Flask, request, url_for
from flask_babel import get_locale, get_timezone, gettext
from markupsafe import Markup, escape

from collab.core.tongues import TONGUES
from collab.spaces.summaries import summary_of
from collab.web import bidi
from collab.web.chart import marks
from collab.web.display import display
from collab.web.how import how_here
from collab.web.icon import svg_uri
from collab.web.tongues import text_direction, tongue_here
from collab.web.weave import weave_image

NBSP = "\u00a0"

UNITS = {
    "fr": ("octets", "Ko", "Mo", "Go"),
    "en": ("bytes", "KB", "MB", "GB"),
    "ar": ("بايت", "كيلوبايت", "ميغابايت", "غيغابايت"),
}
CLOCKS = {"ar": "HH:mm"}
"""How a language writes the hour here where CLDR has another habit in mind: Arabic is read in
France and the Maghreb, where a day has 24 hours and figures are 0 to 9 (which Babel takes)."""
EUROPEAN = Locale("en", "GB")
"""English as it is written on this side of the sea: 24 hours, no comma before « and »."""
COMMAS = {"ar": "، "}


def register(app: Flask) -> None:
    """Give the templates of `app` the filters and globals of this module. After Babel."""
    bidi.register(app)
    filters: dict[str, Callable[..., str]] = {
        "called": called,
        "clock": clock,
        "day": day,
        "filesize": filesize,
        "moment": moment,
        "host": host,
        "enumerated": enumerated,
        "month": month,
        "number": number,
        "summarised": summarised,
        "typo": typo,
        "when": when,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.tests["elsewhere"] = elsewhere
    app.jinja_env.globals.update(
        icon_uri=svg_uri,
        comma=comma,
        display=display,
        how_here=how_here,
        marks=marks,
        page_url=page_url,
        text_direction=text_direction,
        dated=dated,
        tongue_here=tongue_here,
        tongues=TONGUES,
        tongue_names=[(tongue.code, tongue.name) for tongue in TONGUES],
        url_of=url_of,
        weave=lambda subject, size=48: Markup(weave_image(address_of(subject), size)),  # noqa: S704
    )


def when(instant: datetime, now: datetime | None = None) -> str:
    """Say an instant as people do: « il y a 20 minutes », « hier à 9 h 12 », « 12 mars 2024 ».

    Args:
        instant: UTC when it carries no zone.
        now: what to count from; the present when left out.
    """
    then = _here(instant)
    present = _here(now) if now else datetime.now(UTC).astimezone(then.tzinfo)
    past = present - then
    days = (present.date() - then.date()).days
    said: str = ""
    if timedelta(0) <= past < timedelta(minutes=1):
        said = gettext("à l’instant")
    elif timedelta(0) < past < timedelta(hours=6):
        ago = format_timedelta(-past, add_direction=True, locale=_locale(), threshold=1)
        said = _spaced(ago)
    elif days == 0:
        said = gettext("aujourd’hui à %(clock)s", clock=clock(then))
    elif days == 1:
        said = gettext("hier à %(clock)s", clock=clock(then))
    elif days == -1:
        said = gettext("demain à %(clock)s", clock=clock(then))
    elif 1 < days < 7:
        weekday = format_date(then, "EEEE", locale=_locale())
        said = gettext("%(weekday)s à %(clock)s", weekday=weekday, clock=clock(then))
    return said or day(then, now=present, weekday=False)


def day(on: date | datetime, now: datetime | None = None, weekday: bool = True) -> str:
    """Say a date in full: « samedi 28 novembre », with the year when it is not this one."""
    locale = _locale()
    if isinstance(on, datetime):
        on = _here(on).date()
    year = "" if on.year == _here(now or datetime.now(UTC)).year else " y"
    number_of_day = "'1er'" if on.day == 1 and locale.language == "fr" else "d"
    before = "EEEE" + COMMAS.get(locale.language, " ") if weekday else ""
    pattern = before + number_of_day + " MMMM" + year
    return _spaced(str(format_date(on, pattern, locale)))


def dated() -> str:
    """Say the day with its year, for a page that may be read on paper long after."""
    present = datetime.now(UTC)
    return day(present, now=present - timedelta(days=366), weekday=False).replace(" ", NBSP)


def moment(instant: datetime) -> str:
    """Say an instant in full, for paper, where « il y a 5 minutes » means nothing."""
    then = _here(instant).replace(second=0, microsecond=0)
    return _moment(then, then.utcoffset(), str(_locale()))


@lru_cache(maxsize=4096)
def _moment(then: datetime, _offset: timedelta | None, _language: str) -> str:
    """Kept, since every time on a page has one: nothing in it changes with the hour it is read."""
    whole = day(then, now=then - timedelta(days=366), weekday=False)
    return f"{whole}{comma()}{clock(then)}"


def month(on: date | datetime) -> str:
    """Say a month and its year: « mars 2026 »."""
    return str(format_date(on, "MMMM y", locale=_locale()))


def clock(instant: datetime) -> str:
    """Say the hour: « 9 h 12 », « 10 h »; as the language does elsewhere."""
    then, locale = _here(instant), _locale()
    if locale.language != "fr":
        pattern = CLOCKS.get(locale.language, "short")
        return str(format_time(then.timetz(), pattern, locale=locale))
    return f"{then.hour}{NBSP}h" + (f"{NBSP}{then.minute:02}" if then.minute else "")


def number(value: float) -> str:
    """Write a number with the language's own separators."""
    return str(format_decimal(value, locale=_locale()))


def filesize(size: int) -> str:
    """Say a weight given in bytes: « 230 Ko », « 1,2 Mo » (steps of a thousand)."""
    units = UNITS.get(_locale().language, UNITS["en"])
    amount, step = float(size), 0
    while round(amount) >= 1000 and step < len(units) - 1:
        amount, step = amount / 1000, step + 1
    shown = round(amount, 1) if step and amount < 10 else round(amount)
    return f"{number(shown)}{NBSP}{units[step]}"


def comma() -> str:
    """What stands between the members of a list: « , », in Arabic « ، »."""
    return COMMAS.get(_locale().language, ", ")


def enumerated(parts: Iterable[object]) -> Markup:
    """Say a list as the language does: « Ada, Bob et Zoé », « Ada وBob »; markup stays markup."""
    return Markup(format_list([str(escape(part)) for part in parts], locale=_locale()))  # noqa: S704


def summarised(summary: str) -> str:
    """What is said beside a version: the house's own words in the reader's language."""
    found = summary_of(summary)
    return gettext(found[0], **found[1]) if found else summary


def host(address: str) -> str:
    """Name the instance in an address: of `https://a.example/x` or `x@a.example`, `a.example`."""
    return urlsplit(address).netloc if "://" in address else address.rpartition("@")[2]


def typo(text: str, isolate: bool = True) -> str:
    """Keep French signs with their word: a plain space before ; : ? ! » or after « binds.

    People's words (what is not markup) are also kept apart from a page of the other direction;
    not so (`isolate`) where the element has `dir="auto"` and is to turn with them.
    """
    bound = re.sub(r" (?=[;:?!»])|(?<=«) ", NBSP, text)
    if isinstance(text, Markup):
        return Markup(bound)  # noqa: S704 - it was markup, and only spaces have changed
    return bidi.isolated(bound) if isolate else bound


def address_of(subject: object) -> str:
    """Give the address a cloth is drawn from, the same on every instance.

    Args:
        subject: an address as text, a space (`slug@host`), an actor (`name@host`) or anything
            with a `host` alone (an instance).
    """
    if isinstance(subject, str):
        return subject
    place = str(getattr(subject, "host", ""))
    if hasattr(subject, "slug"):
        return f"{subject.slug}@{place}"
    return str(getattr(subject, "address", place))


def called(actor: object) -> str:
    """Say what somebody is called on a page."""
    name = str(getattr(actor, "label", None) or getattr(actor, "display_name", ""))
    return bidi.isolated(name)


def elsewhere(subject: object) -> bool:
    """Tell whether a person or a space is of another instance."""
    return not getattr(subject, "local", True)


def url_of(subject: object) -> str:
    """Give the page of a space (`/p/...`) or of a person (`/u/...`) on this instance."""
    kind, own = ("p", "slug") if hasattr(subject, "slug") else ("u", "name")
    name, place = getattr(subject, own, ""), getattr(subject, "host", "")
    return f"/{kind}/{name}@{place}" if elsewhere(subject) else f"/{kind}/{name}"


def page_url(page: int) -> str:
    """Give the address of another page of the list being shown, its filters kept."""
    kept = {**request.args.to_dict(flat=False), **(request.view_args or {})}
    kept.pop("page", None)
    return url_for(request.endpoint or "", page=page, **kept)


def _here(instant: datetime) -> datetime:
    """Move an instant to the reader's clock; what carries no zone is UTC."""
    known = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return known.astimezone(get_timezone())


def _locale() -> Locale:
    found = get_locale() or Locale("fr")
    return EUROPEAN if found.language == "en" else found


def _spaced(text: str) -> str:
    """Keep figures with the word that follows them on one line."""
    return re.sub(r"(?<=\d) ", NBSP, text)
