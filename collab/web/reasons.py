"""Why something did not go well between two instances, in the reader's words.

What is kept of it is short English, of our own software or of another instance. What is known
here is told in words; the rest is shown as it was given.
"""

from __future__ import annotations

import re

from flask_babel import gettext as _

from collab.core.i18n import N_

NOT_SENT = {
    "not delivered in time": N_("Il n’y a pas eu de réponse avant la fin du délai."),
    "too much waits for this host": N_("Trop d’envois attendaient pour cette instance."),
    "its host has not answered for days": N_("Elle ne répond plus depuis des jours."),
    "the inbox is gone": N_("Cette adresse n’existe plus là-bas."),
    "blocked here": N_("Notre instance l’a bloquée."),
    "suspended here": N_("Ce compte est suspendu."),
    "no key to sign with": N_("Notre instance ne trouve pas la clé pour signer."),
    "asked us to wait": N_("Elle a demandé d’attendre avant le prochain envoi."),
}
"""Why something of ours did not leave, or not yet."""
HEARD = {
    "The activity is malformed.": N_("Son logiciel n’a pas pu lire notre envoi."),
    "The signature was not accepted.": N_("Elle n’a pas accepté notre signature."),
    "This instance does not accept activities from there.": N_(
        "Elle n’accepte rien de notre instance."
    ),
    "The activity is too large.": N_("Notre envoi est trop lourd pour elle."),
    "The content type is not one of ActivityStreams.": N_(
        "Son logiciel ne connaît pas la forme de notre envoi."
    ),
    "Too many requests.": N_("Elle a reçu trop d’envois de notre instance en peu de temps."),
    "We cannot take this now, or its key could not be fetched. Try again later.": N_(
        "Elle est trop occupée, ou n’a pas pu vérifier notre clé."
    ),
}
"""What instances of our own software answer to what they do not take (collab.federation.routes)."""
FAULTS = {
    "address": N_("Son adresse n’est pas correcte."),
    "resolve": N_("Son nom ne mène à aucune machine."),
    "forbidden": N_("Son nom mène à un réseau privé, où notre instance ne va pas."),
    "connect": N_("Sa machine ne répond pas."),
    "timeout": N_("Sa réponse n’est pas arrivée à temps."),
    "tls": N_("Son certificat n’est pas valable. Une connexion protégée est impossible."),
    "broken": N_("La connexion s’est coupée."),
    "too_large": N_("Sa réponse est trop longue."),
    "encoding": N_("Notre instance ne peut pas lire sa réponse."),
    "redirect": N_("Elle renvoie vers une autre adresse, où notre instance ne va pas."),
    "wrong_type": N_("Notre instance ne peut pas lire sa réponse."),
    "malformed": N_("Notre instance ne peut pas lire sa réponse."),
    "wrong_id": N_("Sa réponse n’est pas ce qui a été demandé."),
    "in_future": N_("Sa réponse porte une date à venir. Une des deux horloges est fausse."),
    "401": N_(
        "Elle ne croit pas notre signature. Elle a peut-être une ancienne clé de notre instance."
    ),
}
"""By the code at the beginning of what went wrong, before a colon."""
ANSWERS = {
    401: FAULTS["401"],
    403: HEARD["This instance does not accept activities from there."],
    404: NOT_SENT["the inbox is gone"],
    410: NOT_SENT["the inbox is gone"],
    429: HEARD["Too many requests."],
}
"""What an answer without words means, by its status."""
UNAPPLIED = {
    "proof": N_("La preuve de son auteur n’est pas valable."),
    "author": N_("La personne qui l’a écrite n’est pas connue ici, ou son instance ne répond pas."),
    "refused": N_("Les règles d’ici ne la laissent pas entrer."),
    "odd": N_("Notre instance ne la comprend pas."),
}
"""Why an entry of a log had no effect here."""
AROUND = re.compile(r"^(?:unreachable|log page): ")
CODE = re.compile(r"^(\w+): ")
STATUS = re.compile(r"^(?:status|status: The answer is) (\d{3})\.?$")
TWICE = re.compile(r"^(\d+): the project signed two different entries")
NO_EFFECT = re.compile(rf"^(\d+): ({'|'.join(UNAPPLIED)}): ")
DOUBTED = re.compile(r"^entry (\d+): ")


def in_words(why: str) -> str:
    """What another instance or the network said, or we, in the reader's words."""
    bare = AROUND.sub("", why)
    code = CODE.match(bare)
    known = NOT_SENT.get(bare) or HEARD.get(bare) or (FAULTS.get(code[1]) if code else None)
    if known:
        return str(_(known))
    if found := STATUS.match(bare):
        return _of_status(int(found[1]))
    return _of_entry(bare)


def _of_status(status: int) -> str:
    """What an answer without words means."""
    known = ANSWERS.get(status)
    if known:
        return str(_(known))
    if status >= 500:
        return str(_("Elle a une panne (réponse %(status)s).", status=status))
    return str(_("Elle n’a pas accepté l’envoi (réponse %(status)s).", status=status))


def _of_entry(why: str) -> str:
    """What is wrong with an entry of a log; anything else as it is, in our tongue if it is ours."""
    if found := NO_EFFECT.match(why):
        no_effect = _("L’entrée %(seq)s du journal n’a pas eu d’effet ici.", seq=found[1])
        return f"{no_effect} {_(UNAPPLIED[found[2]])}"
    if found := TWICE.match(why):
        return str(_("Le projet a signé deux entrées qui portent le numéro %(seq)s.", seq=found[1]))
    if found := DOUBTED.match(why):
        return str(_("L’entrée %(seq)s du journal ne passe pas la vérification.", seq=found[1]))
    return str(_(why)) if why else ""
