"""F-05: positive and active sentences that speak to the reader as « vous »."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from collab.core.falc.findings import Finding
from collab.core.falc.text import Sentence
from collab.core.i18n import N_

NOT = r"(?:pas|plus|jamais|rien|aucune?s?|personne|gu[eè]re|nulle[ ]part|ni)"
NEGATIVE = re.compile(
    rf"""(?ix)
    \b(?:personne|aucune?|rien|nul|jamais)(?:[ ]\w+)?[ ]n(?:e\b|[’'])
    | \bn(?:e[ ]|[’'])(?:[^\s.;!?]+[ ]){{0,4}}?{NOT}\b
    | \bpas[ ](?:encore|du[ ]tout|de\b|d[’'])
    """
)
IRREGULAR = (
    "pris|prise|mis|mise|fait|faite|dit|dite|écrit|écrite|lu|lue|élu|élue|vu|vue|reçu|reçue|su|"
    "ouvert|ouverte|offert|offerte|couvert|couverte|construit|construite|détruit|détruite|"
    "produit|produite|conduit|conduite|vendu|vendue|rendu|rendue|connu|connue|tenu|tenue|"
    "retenu|retenue|entendu|entendue|perdu|perdue|choisi|choisie|fini|finie|rempli|remplie|"
    "suivi|suivie|servi|servie|averti|avertie|établi|établie|fourni|fournie|permis|permise|"
    "promis|promise|compris|comprise|transmis|transmise|inscrit|inscrite|peint|peinte|"
    "éteint|éteinte|défini|définie|réuni|réunie|accueilli|accueillie|battu|battue|cru|crue"
)
DONE = rf"(?:\w+ée?s?|(?:{IRREGULAR})s?)"
BE = (
    r"(?:suis|es|est|sommes|êtes|sont|étais|était|étions|étiez|étaient|serai|seras|sera|serons|"
    r"serez|seront|serait|seraient|soit|soient|fut|furent|être|étant)"
)
BEEN = r"(?:a|ai|as|ont|avons|avez|avait|avaient|aura|auront|aurait|auraient|ait|aient|avoir)"
OFTEN = r"(?:(?:[ ]\w+ment|[ ]déjà|[ ]bien|[ ]souvent|[ ]toujours|[ ]aussi|[ ]tous|[ ]toutes))?"
NO_AGENT = r"(?:mois|jour|semaine|an|année|heure|exemple|hasard|ici|là|terre|cœur|rapport|personne)"
PASSIVE = re.compile(
    rf"""(?ix)
    \b{BE}{OFTEN}[ ]{DONE}(?:[ ]\w+){{0,3}}?[ ]par\b(?![ ]{NO_AGENT}\b)
    | \b{BEEN}{OFTEN}[ ]été{OFTEN}[ ]{DONE}\b
    | \b(?:va|vont|doit|doivent|peut|peuvent|devra|pourra)[ ]être{OFTEN}[ ]{DONE}\b
    """
)
READER = (
    "usager|demandeur|administré|allocataire|intéressé|requérant|utilisateur|contribuable|"
    "pétitionnaire|assuré|candidat"
)
FAMILIAR = re.compile(
    rf"""(?ix)
    \b(?:tu|toi|t[’'](?=\w))\b(?:[ ](?:peux|dois|as|es|vas|veux))?
    | (?<!le[ ])(?<!un[ ])(?<!du[ ])(?<!ce[ ])(?<!d[’'])\b(?:ton|ta|tes|te)\b
    | (?<![-\w])on\b(?![ ]line)
    | \bl[’']on\b
    | \bil[ ](?:faut|convient|importe|est[ ](?:nécessaire|obligatoire|indispensable))\b
    | ^[ ]*(?:l[’']|la[ ]|le[ ]|les[ ]|tout[ ])(?:{READER})(?:e|s|es)?\b
        (?:[ ](?:doit|doivent|devra|devront|peut|peuvent))?
    """
)
NO = N_("Cette phrase dit « %(words)s ». Dites plutôt ce qui est possible, ou ce qui est vrai.")
ACT = N_("On ne voit pas bien qui fait l’action dans « %(words)s ». Dites d’abord qui, puis quoi.")
YOU = N_("Parlez à la personne qui lit. Dites « vous » à la place de « %(words)s ».")
FORGET = re.compile(r"(?i)\bn[’']oubliez pas\b")
VERBS = {"tu peux": "vous pouvez", "tu dois": "vous devez", "tu as": "vous avez"}
YOURS = {"ton": "votre", "ta": "votre", "tes": "vos", "tu": "vous", "toi": "vous", "te": "vous"}


def voice(text: str, parts: Sequence[Sentence]) -> Iterator[Finding]:
    """Negations, passives, and sentences that speak of the reader or say « tu »."""
    for one in parts:
        flat = one.text.replace("\u00a0", " ").replace("\u202f", " ").replace("\n", " ")
        for found in NEGATIVE.finditer(flat):
            mend = "pensez" if FORGET.match(found[0]) else ""
            yield _finding("negative", one, found, NO, mend)
        for found in PASSIVE.finditer(flat):
            yield _finding("passive", one, found, ACT)
        for found in FAMILIAR.finditer(flat):
            yield _finding("vous", one, found, YOU, _yours(found[0]))


def _yours(words: str) -> str:
    low = words.strip().lower()
    if low in VERBS:
        return VERBS[low]
    if low.startswith("il ") or low.endswith(("doit", "doivent", "devra", "devront")):
        return "vous devez"
    return "vous pouvez" if low.endswith(("peut", "peuvent")) else YOURS.get(low, "vous")


def _finding(rule: str, one: Sentence, found: re.Match[str], says: str, mend: str = "") -> Finding:
    start, end = one.start + found.start(), one.start + found.end()
    return Finding(rule, start, end, one.text[found.start() : found.end()], says, mend)
