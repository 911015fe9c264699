"""What is said and written in the demonstration. Places and people are made up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class House:
    """One instance of the demonstration, and who has an account there (the first administers)."""

    key: str
    name: str
    tagline: str
    contact: str
    people: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Said:
    """One message: on which instance, by whom, in Markdown."""

    house: str
    who: str
    words: str


@dataclass(frozen=True)
class Talk:
    """A thread: its subject, its opening message, the answers."""

    title: str
    opening: Said
    answers: tuple[Said, ...]


@dataclass(frozen=True)
class Sheet:
    """A document of the shared project."""

    title: str
    description: str
    words: str


@dataclass(frozen=True)
class Easy:
    """The easy version of a document or of a thread, by its title; of the purpose when empty."""

    of: str
    said: Said


HOUSES = (
    House(
        "asso",
        "Maison des associations",
        "Val-d’Orme",
        "Au comptoir de la Maison des associations, du mardi au samedi, de 10 h à 18 h.",
        (("mesange", "Mésange"), ("coquelicot", "Coquelicot"), ("loutre", "Loutre")),
    ),
    House(
        "ecole",
        "École de la Butte",
        "Val-d’Orme, CE1 à CM2",
        "À la grille de l’école, chaque matin à 8 h 20, ou par le cahier de liaison.",
        (("tilleul", "Tilleul"), ("noisette", "Noisette")),
    ),
    House(
        "mairie",
        "Mairie de Val-d’Orme",
        "Service de la vie locale",
        "À l’accueil de la mairie, du lundi au vendredi, de 9 h à 12 h et de 14 h à 17 h.",
        (("renard", "Renard"), ("hirondelle", "Hirondelle")),
    ),
)

PROJECT = {
    "slug": "jardin",
    "name": "Jardin partagé de la Butte",
    "why": "Un terrain vide depuis dix ans, et beaucoup d’envies de planter.",
    "who": "Les habitants du quartier, et les classes de l’école.",
    "how": "Un chantier par mois ; les décisions se prennent ensemble, par consentement.",
    "territory": "Val-d’Orme",
    "join_policy": "request",
}
ROOMS = ("discussion", "pages", "simple")

TALKS = (
    Talk(
        "Récupérer l’eau de pluie",
        Said(
            "asso",
            "mesange",
            "Le toit du hangar fait **40 m²**. Avec la pluie d’ici, cela remplit deux cuves de "
            "500 litres en un mois. On en installe une avant l’hiver ?",
        ),
        (
            Said(
                "ecole",
                "tilleul",
                "Les CM2 ont mesuré la pluie tout le mois d’octobre : 62 mm. Ils peuvent venir "
                "présenter leurs résultats samedi.",
            ),
            Said(
                "asso",
                "coquelicot",
                "J’ai une vieille cuve à donner, elle est propre. Il faut être deux pour la "
                "porter.",
            ),
            Said(
                "mairie",
                "renard",
                "Le service technique peut prêter une remorque samedi matin. Dites-moi avant "
                "jeudi.",
            ),
            Said("asso", "mesange", "Merci à tous. Rendez-vous samedi à 10 h, @renard compris !"),
        ),
    ),
    Talk(
        "Qui arrose en août ?",
        Said(
            "asso",
            "loutre",
            "L’école est fermée et beaucoup partent. Il faut deux personnes par semaine, le soir.",
        ),
        (
            Said("ecole", "noisette", "Deux familles de ma classe restent là. Je leur demande."),
            Said(
                "mairie",
                "hirondelle",
                "Pensez au paillage : avec 10 cm, on arrose deux fois moins. Nous avons du broyat "
                "à donner.",
            ),
        ),
    ),
    Talk(
        "Un panneau que tout le monde comprend",
        Said(
            "ecole",
            "tilleul",
            "Les CE1 proposent des dessins à la place des mots : un arrosoir, un point "
            "d’interrogation, une main. Qui peut les imprimer sur du bois ?",
        ),
        (Said("asso", "coquelicot", "L’atelier du mardi sait faire. Envoyez les dessins."),),
    ),
)

SHEETS = (
    Sheet(
        "Calendrier des semis",
        "Quand semer quoi, mois par mois.",
        "## Février\n\n- fèves, sous tunnel\n- oignons blancs\n\n## Mars\n\n- petits pois\n- "
        "carottes hâtives\n- radis\n\n## Avril\n\n- pommes de terre, quand le lilas fleurit\n- "
        "betteraves\n\nVoir aussi [[Récupérer l’eau]] pour l’arrosage.\n",
    ),
    Sheet(
        "Récupérer l’eau",
        "Ce qu’il faut pour installer une cuve.",
        "1. Une gouttière en bon état.\n2. Un collecteur avec filtre.\n3. Une cuve **opaque** et "
        "fermée : pas de moustiques, pas d’algues.\n4. Un robinet à 40 cm du sol, pour passer un "
        "arrosoir.\n\n| Surface du toit | Pluie du mois | Eau récoltée |\n|---|---|---|\n| 40 m² | "
        "60 mm | environ 2 000 litres |\n",
    ),
    Sheet(
        "Comment on décide",
        "La décision par consentement, en quatre temps.",
        "> Une proposition passe quand plus personne n’a d’objection raisonnable.\n\n1. Quelqu’un "
        "propose, avec des mots simples.\n2. On pose des questions pour comprendre.\n3. Chacun dit "
        "ce qu’il en pense, une fois.\n4. S’il y a une objection, on améliore la proposition "
        "ensemble.\n",
    ),
)

EASY = (
    Easy(
        "",
        Said(
            "asso",
            "mesange",
            "Ce terrain était vide depuis 10 ans.\nMaintenant, c’est un jardin pour tous.\n"
            "Les habitants et les élèves plantent ensemble.\n"
            "Il y a un chantier chaque mois.\nVous pouvez venir.\nNous décidons ensemble.",
        ),
    ),
    Easy(
        "Récupérer l’eau",
        Said(
            "asso",
            "coquelicot",
            "Vous pouvez garder l’eau de pluie.\nCette eau sert à arroser le jardin.\n\n"
            "Vous avez besoin de 4 choses :\n\n- Une gouttière en bon état.\n"
            "- Un tuyau avec un filtre.\n- Une cuve fermée.\n- Un robinet.\n\n"
            "La cuve fermée garde l’eau propre.\nLe robinet est à 40 centimètres du sol.\n"
            "Vous mettez votre arrosoir dessous.",
        ),
    ),
    Easy(
        "Récupérer l’eau de pluie",
        Said(
            "ecole",
            "tilleul",
            "Le hangar a un grand toit.\nLa pluie tombe sur ce toit.\n"
            "En un mois, la pluie remplit 2 cuves.\n"
            "Nous voulons mettre ces cuves avant l’hiver.\nÊtes-vous d’accord ?",
        ),
    ),
)
"""In the words of people of the association and of the school; nobody has read them over yet."""
