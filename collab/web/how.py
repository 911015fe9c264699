"""« Comment ça marche ? »: a few short sentences for each kind of page, at the same place on all.

They stand at the end of `main`, just above « Parler à une personne » (WCAG 2.2, 3.2.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import request
from flask.globals import request_ctx
from flask_babel import gettext
from werkzeug.exceptions import HTTPException

from collab.core.i18n import N_
from collab.web.how_around import AROUND
from collab.web.how_desks import DESKS

SPEAK = (
    N_("Le micro s’allume quand vous appuyez, jamais avant. Rien ne part avant « Publier »."),
    N_("Réécoutez, jetez, recommencez autant que vous voulez."),
    N_("Sans micro, choisissez un fichier de son. Ce qui est dit peut s’écrire plus tard."),
)
WRITE = (
    N_("Écrivez comme vous parlez. Votre brouillon reste dans ce navigateur."),
    N_("Au-dessus du bouton, la page dit qui verra ce texte."),
    N_("Après, vous pourrez encore le modifier, ou l’effacer et le remettre."),
)  # fmt: skip
COME_IN = (
    N_("Un nom court et un mot de passe suffisent. Il n’y a pas besoin d’adresse électronique."),
    N_("Si vous oubliez votre mot de passe, un code à imprimer permet d’en choisir un autre."),
    N_("Si quelque chose vous bloque, parlez à une personne : c’est écrit juste en dessous."),
)
HOW: Mapping[str, Sequence[str]] = {
    "site.home": (
        N_("Un projet a ses discussions et ses documents. S’il est ouvert, on lit sans compte."),
        N_("Pour écrire, un nom court et un mot de passe suffisent, sans adresse électronique."),
        N_("Avant de publier, la page dit toujours qui verra ce que vous écrivez."),
    ),
    "spaces.home": (
        N_("En haut : pourquoi ce projet, pour qui, et comment on y travaille."),
        N_("Les onglets mènent aux discussions, aux documents et aux membres."),
        N_("« Participer » permet d’écrire. « Suivre » permet seulement de lire."),
    ),
    "discussion.index": (
        N_("Une discussion a un sujet. Chacun y répond à la suite."),
        N_("Celles qui ont bougé en dernier sont en haut, après celles qui sont épinglées."),
    ),
    "discussion.thread": (
        N_("Les messages vont du plus ancien au plus récent. Les nouveaux arrivent en bas."),
        N_("« Répondre » sous un message dit à qui vous répondez."),
        N_("« Signaler » prévient les personnes référentes, sans que les autres le voient."),
    ),
    "discussion.new": WRITE,
    "discussion.edit": WRITE,
    "discussion.voice": SPEAK,
    "discussion.open_by_voice": SPEAK,
    "pages.tree": (
        N_("Un document s’écrit à plusieurs. Toutes ses versions sont gardées."),
        N_("Un document peut en contenir d’autres, comme un classeur."),
    ),
    "pages.read": (
        N_("« Modifier » ouvre le texte. Personne ne perd ce qu’il a écrit."),
        N_("Si deux personnes écrivent en même temps, la page montre les deux textes."),
        N_("L’historique montre qui a changé quoi, et permet de revenir en arrière."),
    ),
    "pages.new": WRITE,
    "pages.edit": WRITE,
    "search.search": (
        N_("Écrivez un ou plusieurs mots. La recherche trouve aussi leurs pluriels."),
        N_("Elle ne montre que ce que vous avez le droit de lire."),
    ),
    "spaces.list_members": (
        N_("Les personnes référentes accueillent, donnent les rôles et lisent les signalements."),
        N_("Vous pouvez quitter un projet quand vous voulez. Vos textes y restent."),
    ),
    "account.login": COME_IN,
    "account.registration": COME_IN,
    "invitations.invited": COME_IN,
    "since.show": (
        N_("Cette page dit ce que les autres ont écrit dans vos projets."),
        N_("Quand vous avez lu, appuyez sur « Tout est vu » : la page se vide."),
        N_("Rien ne s’efface dans les projets."),
    ),
    "looks.settings": (
        N_("Choisissez, puis appuyez sur « Appliquer ». Toutes les pages changent."),
        N_("Ces choix tiennent aussi quand vous vous connectez ou partez."),
        N_("Sur un ordinateur partagé, « Tout remettre » efface vos choix."),
    ),
    "moving.show": (
        N_("Le nouveau compte nomme d’abord celui-ci. Ainsi personne ne se fait passer pour vous."),
        N_("La page montre qui est à cette adresse. Rien ne part avant votre mot de passe."),
        N_("Après, cela ne se reprend pas. Vos textes et vos places restent ici."),
    ),
    "admin.show": (
        N_("Ce que vous écrivez ici se lit sur toutes les pages du site."),
        N_("« Parler à une personne » est le plus important : un lieu, des heures, un numéro."),
    ),
    "accessibility.show": (
        N_("Un audit vérifie le site, critère par critère. Notez qui l’a fait, et quand."),
        N_("Recopiez ses nombres : l’état du site en est calculé, personne ne le choisit."),
        N_("Un audit vaut trois ans. Retiré, il reste dans la liste et ne compte plus."),
    ),
    "themes.show": (
        N_("Cette couleur est celle des liens et des boutons."),
        N_("Une couleur qui se lirait mal est refusée : le site propose la plus proche."),
        N_("Les personnes qui demandent un fort contraste gardent le leur."),
    ),
    **AROUND,
    **DESKS,
}  # fmt: skip
"""By the name of the view; pages that are not named say enough by themselves."""


def how_here() -> list[str]:
    """The sentences of this page, in the reader's language; none on pages without."""
    found = HOW.get(request.endpoint or "") or HOW.get(_read_here(), ())
    return [gettext(said) for said in found]


def _read_here() -> str:
    """What is read where this form was sent: it may come back, and is still the same page."""
    adapter = request_ctx.url_adapter
    if request.method != "POST" or adapter is None:
        return ""
    try:
        return str(adapter.match(request.path, method="GET")[0])
    except HTTPException:
        return ""
