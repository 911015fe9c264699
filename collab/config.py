"""The settings: one file, `instance/collab.toml`, and the environment; checked whole at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from limits import parse_many

from collab.toml import read_toml

PREFIX = "COLLAB_"


class BadSettings(Exception):
    """The settings cannot be used. `mistakes` has one line each, saying what and how to mend."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True)
class SiteSettings:
    """Who this instance is. `base_url` never changes once others know it."""

    name: str = "collab"
    base_url: str = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class DatabaseSettings:
    """`url`: a SQLAlchemy address; empty means SQLite in the instance folder."""

    url: str = ""


@dataclass(frozen=True)
class SearchSettings:
    """`url`: `whoosh:` (an index in the instance folder) or `postgresql:`."""

    url: str = "whoosh:"


@dataclass(frozen=True)
class RealtimeSettings:
    """`queue`: empty, or `redis://...` when several web processes serve one instance."""

    queue: str = ""


@dataclass(frozen=True)
class FederationSettings:
    """`mode`: open, allowlist or off. `allow_loopback`: http and 127.0.0.0/8, for trials only."""

    mode: str = "open"
    allow_loopback: bool = False


@dataclass(frozen=True)
class LimitSettings:
    """Sizes in bytes, rates as `N per minute|hour|day`."""

    upload: int = 20_000_000
    import_file: int = 1_000_000
    login: str = "10 per minute"
    registration: str = "20 per hour"
    trusted_proxies: int = 0


@dataclass(frozen=True)
class MediaSettings:
    """`base_url`: a second name of this instance, for files alone; empty: its own name (R30)."""

    base_url: str = ""


@dataclass(frozen=True)
class FilesSettings:
    """`voice`: bytes of one recording; `voice_seconds`: how long; `project`: bytes of all files."""

    voice: int = 1_500_000
    voice_seconds: int = 180
    project: int = 200_000_000


@dataclass(frozen=True)
class OidcProvider:
    """An OpenID Connect provider that people may sign in with."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = ""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. `instance` is the folder that holds it all."""

    instance: Path
    site: SiteSettings = field(default_factory=SiteSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    realtime: RealtimeSettings = field(default_factory=RealtimeSettings)
    federation: FederationSettings = field(default_factory=FederationSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    files: FilesSettings = field(default_factory=FilesSettings)
    oidc: tuple[OidcProvider, ...] = ()

    @property
    def database_url(self) -> str:
        """The address of the database, with the default filled in."""
        return self.database.url or f"sqlite:///{(self.instance / 'collab.sqlite').resolve()}"

    @property
    def origin(self) -> str:
        """This instance's canonical origin, without a final slash."""
        return self.site.base_url.rstrip("/")

    @property
    def host(self) -> str:
        """This instance's canonical host, with its port if it has one."""
        return urlsplit(self.origin).netloc.lower()

    @property
    def media_origin(self) -> str:
        """Where files are served: the second name of this instance, or its own."""
        return self.media.base_url.rstrip("/") or self.origin

    @property
    def media_host(self) -> str:
        """The host of the second name; "" when there is none."""
        return urlsplit(self.media.base_url).netloc.lower()

    @property
    def secure(self) -> bool:
        """Whether people reach it over https."""
        return self.origin.startswith("https://")


SECTIONS = ("site", "database", "search", "realtime", "federation", "limits", "media", "files")


def load(instance: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `instance/collab.toml` and `COLLAB_SECTION__KEY` (which wins).

    Raises:
        BadSettings: naming every mistake at once.
    """
    mistakes: list[str] = []
    raw, unreadable = read_toml(instance / "collab.toml")
    mistakes += [unreadable] if unreadable else []
    known: dict[str, Any] = {}
    for section in SECTIONS:
        kind = get_type_hints(Settings)[section]
        given = raw.pop(section, {})
        if not isinstance(given, dict):
            mistakes.append(f"[{section}] must be a table")
            given = {}
        known[section] = _section(section, kind, given, environ, mistakes)
    known["oidc"] = _providers(raw.pop("oidc", {}), mistakes)
    mistakes += [f"unknown section [{name}]: known are {', '.join(SECTIONS)}" for name in raw]
    mistakes += _unknown_variables(environ)
    settings = Settings(instance=instance, **known)
    mistakes += _contradictions(settings)
    if mistakes:
        raise BadSettings(mistakes)
    return settings


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables of the form of a setting that set none. Others may begin as they like."""
    hints = get_type_hints(Settings)
    known = {f"{PREFIX}{s}__{f.name}".upper() for s in SECTIONS for f in fields(hints[s])}
    given = {name for name in environ if name.startswith(PREFIX) and "__" in name}
    return [
        f"unknown setting {n} in the environment: mend or unset it" for n in sorted(given - known)
    ]


def _section(
    name: str,
    kind: type[Any],
    given: dict[str, Any],
    environ: Mapping[str, str],
    mistakes: list[str],
) -> Any:
    hints = get_type_hints(kind)
    values = {}
    for entry in fields(kind):
        variable = f"{PREFIX}{name}__{entry.name}".upper()
        value = environ.get(variable, given.pop(entry.name, entry.default))
        try:
            values[entry.name] = _convert(hints[entry.name], value)
        except ValueError:
            mistakes.append(f"{name}.{entry.name} = {value!r} is not {KINDS[hints[entry.name]]}")
    mistakes += [f"unknown setting {name}.{key}" for key in given]
    return kind(**values)


KINDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}
"""What a setting is to be, in the words of whoever writes it."""


def _convert(hint: type[Any], value: Any) -> Any:
    if hint is bool:
        if str(value).lower() in ("true", "1", "yes", "on"):
            return True
        if str(value).lower() in ("false", "0", "no", "off", ""):
            return False
        raise ValueError(value)
    if hint is int and isinstance(value, bool):
        raise ValueError(value)
    return hint(value)


def _providers(given: Any, mistakes: list[str]) -> tuple[OidcProvider, ...]:
    found = []
    for name, table in given.items() if isinstance(given, dict) else ():
        wanted = {f.name for f in fields(OidcProvider)} - {"name"}
        entry = dict(table) if isinstance(table, dict) else {}
        entry.setdefault("label", name)
        missing = {"issuer", "client_id"} - set(entry)
        unknown = set(entry) - wanted
        mistakes += [f"oidc.{name}.{key} is needed" for key in sorted(missing)]
        mistakes += [f"unknown setting oidc.{name}.{key}" for key in sorted(unknown)]
        if not missing and not unknown:
            found.append(OidcProvider(name=name, **entry))
    return tuple(found)


def _contradictions(settings: Settings) -> list[str]:
    mistakes = []
    named = {"site.base_url": settings.site.base_url, "media.base_url": settings.media.base_url}
    for name, address in named.items():
        url = urlsplit(address)
        wrong = url.scheme not in ("http", "https") or not url.netloc or url.path not in ("", "/")
        if wrong and (address or name == "site.base_url"):
            mistakes.append(f"{name} = {address!r} must look like https://example.org")
    if settings.media.base_url and settings.media_host == settings.host:
        mistakes.append("media.base_url must be another name than site.base_url, or empty")
    if settings.federation.mode not in ("open", "allowlist", "off"):
        mistakes.append(
            f"federation.mode = {settings.federation.mode!r} must be open, allowlist or off"
        )
    mistakes += _sizes(settings)
    if settings.search.url.partition(":")[0] not in ("whoosh", "postgresql"):
        mistakes.append(f"search.url = {settings.search.url!r} must be whoosh: or postgresql:")
    if settings.realtime.queue and not settings.realtime.queue.startswith("redis://"):
        mistakes.append("realtime.queue must be empty or redis://...")
    return mistakes


def _sizes(settings: Settings) -> list[str]:
    """Numbers that leave no room, and rates that nothing would be counted by."""
    limits, files = settings.limits, settings.files
    sizes = {
        "limits.upload": limits.upload,
        "limits.import_file": limits.import_file,
        "files.voice": files.voice,
        "files.voice_seconds": files.voice_seconds,
        "files.project": files.project,
    }
    mistakes = [f"{name} = {size} must be more than 0" for name, size in sizes.items() if size < 1]
    if limits.trusted_proxies < 0:
        mistakes.append(f"limits.trusted_proxies = {limits.trusted_proxies} must be 0 or more")
    rates = {"limits.login": limits.login, "limits.registration": limits.registration}
    for name, rate in rates.items():
        try:
            parse_many(rate)
        except ValueError:
            mistakes.append(f"{name} = {rate!r} must look like 10 per minute")
    return mistakes
