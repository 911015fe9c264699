"""« Comment ça marche ? » around what is written: copies, votes, applications, the site itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collab.core.i18n import N_

ERASE = (
    N_("Ici, les mots sont détruits tout de suite."),
    N_("Les autres instances reçoivent la même demande. La page d’après montre leurs réponses."),
)
OFFER = (
    N_("Ce document vit sur une autre instance. Elle lit votre proposition, puis elle répond."),
    N_("Votre texte reste ici. Vous pouvez le reprendre et l’envoyer de nouveau."),
)
ENTER = (
    N_("Un autre site peut dire qui vous êtes. Vous entrez alors ici avec son aide."),
    N_("Vous gardez aussi votre nom et votre mot de passe d’ici."),
)
HOUSE = (
    N_("Cette page parle du site et des personnes qui le tiennent."),
    N_("Vous avez une question ? Parlez à une personne : c’est écrit juste en dessous."),
)

AROUND: Mapping[str, Sequence[str]] = {
    "pages.import_zip": (
        N_("Chaque fichier devient un document. Chaque dossier aussi."),
        N_("Vous pouvez envoyer le même zip plus tard : seul ce qui a changé entre."),
    ),
    "pages.offered": OFFER,
    "pages.edit_offer": OFFER,
    "discussion.acts": (
        N_("Un mot suffit pour répondre à ce message. Vous pouvez le reprendre."),
        N_("« Signaler » prévient les personnes référentes, sans que les autres le voient."),
    ),
    "copies.delivery": (
        N_("Cette page dit quelles instances ont reçu ce texte."),
        N_("Une instance arrêtée reçoit le texte à son retour."),
    ),
    "copies.ask_to_erase": ERASE,
    "polls.read": (
        N_("Une autre instance compte les votes. Elle voit votre nom."),
        N_("Un vote envoyé reste. Prenez votre temps."),
    ),
    "former.mine": (
        N_("Vous aviez un compte sur une autre instance ? Écrivez ici son adresse."),
        N_("Ensuite, demandez là-bas le déménagement."),
    ),
    "oauth.applications": (
        N_("Une application autorisée lit ou écrit en votre nom."),
        N_("« Retirer l’accès » arrête cela tout de suite."),
    ),
    "oauth.ask": (
        N_("Une application autorisée lit ou écrit en votre nom."),
        N_("Elle reçoit seulement les droits écrits sur cette page."),
        N_("Vous pourrez retirer cet accès dans « Mon compte »."),
    ),
    "oidc.identities": ENTER,
    "oidc.welcome": ENTER,
    "site.about": HOUSE,
    "site.mentions": HOUSE,
    "site.instances": (
        N_("Une instance est un site comme celui-ci, tenu par d’autres personnes."),
        N_("Deux instances reliées partagent leurs projets ouverts."),
    ),
    "site.person": (
        N_("Cette page montre une personne, et les projets que vous pouvez lire tous les deux."),
        N_("Pour lui parler, écrivez dans un de ces projets."),
    ),
}
