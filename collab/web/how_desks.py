"""« Comment ça marche ? » on pages of one's own, and of those who look after something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collab.core.i18n import N_

VERSIONS = (
    N_("Chaque version garde son auteur et sa date. Rien n’est écrasé."),
    N_("« Revenir à cette version » en écrit une nouvelle : la suite reste là."),
)
RECOVER = (
    N_("Le code de secours est celui que vous avez imprimé ou recopié."),
    N_("Il sert une fois. Un nouveau code vous est donné ensuite."),
    N_("Sans code, une personne qui administre le site peut vous aider."),
)
REPORTED = (
    N_("Un signalement se lit ici. Qui l’a fait reste caché pour les autres."),
    N_("Quand vous répondez, la personne qui a signalé lit votre réponse."),
)
SIMPLE = (
    N_("Une version simple dit la même chose avec des mots courants et des phrases courtes."),
    N_("Une étiquette dit si des personnes l’ont relue, ou si elle reste à relire."),
)
INVITE = (
    N_("Une invitation est un lien et un dessin carré : qui l’a peut entrer dans le projet."),
    N_("Vous choisissez combien de temps elle vaut. « Révoquer » la rend inutile."),
)
LINKED = (
    N_("Relier deux instances, c’est permettre à leurs projets d’échanger."),
    N_("Six mots lus au téléphone prouvent que c’est bien l’instance que vous croyez."),
)

POSTERS = (
    N_("Chaque feuille porte un carré à photographier, et un code à taper."),
    N_("Une affiche et une liste servent à tout le monde, une carte à une seule personne."),
    N_("Choisissez la langue de la feuille. La page d’accueil s’ouvre dans cette langue."),
)

DESKS: Mapping[str, Sequence[str]] = {
    "notices.mine": (
        N_("Ici, vous lisez qui parle de vous, qui vous répond, et les réponses à vos demandes."),
        N_("Ce que vous avez lu n’est plus « nouveau ». Rien ne s’efface."),
    ),
    "account.mine": (
        N_("Ici, vous changez votre nom, votre langue et votre mot de passe."),
        N_("Gardez votre code de secours : il remplace un mot de passe oublié."),
    ),
    "account.recovery": RECOVER,
    "site.setup": (
        N_("Vous êtes la première personne ici : ce compte administre le site."),
        N_("Tout ce que vous écrivez maintenant pourra être changé ensuite."),
    ),
    "spaces.new": (
        N_("La carte d’intention dit pourquoi, pour qui et comment. On la lit en premier."),
        N_("Vous choisissez qui peut lire, et comment on y participe."),
        N_("Tout peut être changé ensuite, sauf l’adresse courte."),
    ),
    "spaces.elsewhere": (
        N_("Un projet peut vivre sur une autre instance. Son adresse suffit pour le lire ici."),
        N_("Vous y participez avec votre compte d’ici. Il n’en faut pas un deuxième."),
    ),
    "spaces.ask": (
        N_("Votre demande est lue par les personnes référentes du projet."),
        N_("La réponse se lit dans « Mes nouvelles »."),
    ),
    "spaces.settings": (
        N_("Ces réglages valent pour tout le projet. Les membres les voient aussitôt."),
        N_("Un projet archivé se lit encore. On peut le rouvrir."),
    ),
    "invitations.listed": INVITE,
    "invitations.cards": INVITE,
    "exclusions.listed": (
        N_("Une personne exclue ne peut plus écrire ici. Elle lit la raison que vous donnez."),
        N_("Vous pouvez lever une exclusion quand vous voulez."),
    ),
    "copies.show": (
        N_("D’autres instances gardent une copie du projet : on le lit même si celle-ci s’arrête."),
        N_("Cette page dit qui en tient une, et combien elle a de retard."),
    ),
    "reports.form": (
        N_("Dites ce qui ne va pas, avec vos mots. Les autres membres ne le voient pas."),
        N_("La réponse se lit dans « Mes signalements »."),
    ),
    "posters.show": POSTERS,
    "posters.own_cards": POSTERS,
    "reports.mine": (
        N_("Ici, vous suivez ce que vous avez signalé, et ce qu’on vous répond."),
        N_("Les personnes que vous signalez ne savent pas que c’est vous."),
    ),
    "reports.of_space": REPORTED,
    "reports.of_all": REPORTED,
    "reports.one": REPORTED,
    "simple.index": SIMPLE,
    "simple.read": SIMPLE,
    "simple.past": SIMPLE,
    "glossary.words": (
        N_("Le glossaire explique les mots difficiles du site et des projets."),
        N_("Sous une version simple, on lit ceux des mots difficiles du texte."),
    ),
    "pages.history": VERSIONS,
    "pages.version": VERSIONS,
    "pages.diff": VERSIONS,
    "discussion.history": (
        VERSIONS[0],
        N_("La version la plus récente est celle que tout le monde lit."),
    ),
    "logos.show": (
        N_("Le site redessine le logo en tout petit, sur fond clair et sur fond sombre."),
        N_("Regardez-le d’abord. Personne ne le voit avant « Montrer sur le site »."),
        N_("Vous pouvez revenir au logo d’avant, ou n’en montrer aucun."),
    ),
    "accessibility.statement": (
        N_("Cette page dit ce qu’un audit a trouvé, critère par critère."),
        N_("Sans audit, le site se dit non conforme."),
    ),
    "people.listed": (
        N_("Une personne suspendue ne peut plus se connecter, et ses textes sont cachés."),
        N_("Vous pouvez lever une suspension quand vous voulez."),
    ),
    "peers.listed": LINKED,
    "peers.reach": LINKED,
    "peers.phrase": LINKED,
}  # fmt: skip
