"""What an instance says of itself, and who may come in."""

from __future__ import annotations

from dataclasses import dataclass

from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Registration, Site

MODES = ("open", "allowlist", "off")


@dataclass(frozen=True)
class ReviseSite:
    """New words and rules for the instance."""

    name: str
    tagline: str = ""
    about: str = ""
    contact: str = ""
    registration: Registration = Registration.OPEN
    federation: str = "open"


def revise_site(work: Work, row: Site, given: ReviseSite) -> None:
    """Change what the instance says of itself. That the actor administers it is checked before.

    Raises:
        Invalid: no name, a text that is too long, an unknown rule.
    """
    if errors := site_errors(given):
        raise Invalid(**errors)
    row.name, row.tagline = given.name.strip(), given.tagline.strip()
    row.about, row.contact = given.about.strip(), given.contact.strip()
    row.registration, row.federation = given.registration, given.federation
    row.actor.display_name = row.name


def site_errors(given: ReviseSite) -> dict[str, str]:
    """What is wrong with words or rules for the instance, by field."""
    errors = {}
    if not given.name.strip() or len(given.name) > 80:
        errors["name"] = N_("Donnez un nom au site, de 80 caractères au plus.")
    if len(given.tagline) > 120:
        errors["tagline"] = N_("Cette ligne est trop longue : 120 caractères au plus.")
    for field in ("about", "contact"):
        if len(getattr(given, field)) > 5000:
            errors[field] = N_("Ce texte est trop long : 5 000 caractères au plus.")
    if given.federation not in MODES:
        errors["federation"] = N_("Choisissez une des réponses.")
    return errors
