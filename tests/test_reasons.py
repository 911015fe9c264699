"""What goes wrong between instances is told in the reader's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import collab.federation
from collab.federation.halted import BLOCKED, SUSPENDED
from collab.federation.post import STALE_KEY
from collab.federation.routes import TITLES
from collab.web.reasons import FAULTS, HEARD, NOT_SENT, in_words

CODES = re.compile(r'(?:raise Unreachable|Unfetched)\("(\w+)", ')
STATUS = "status: The answer is 503."


@pytest.fixture
def in_french(house):
    with house.app.test_request_context(headers={"Accept-Language": "fr"}):
        yield lambda why: in_words(why).replace("\u00a0", " ")


def test_each_answer_of_our_own_inbox_and_each_fault_of_the_way_has_words():
    source = "".join(
        path.read_text("utf-8") for path in Path(collab.federation.__path__[0]).glob("*.py")
    )
    codes = set(CODES.findall(source))
    assert {"connect", "timeout", "redirect", "wrong_type"} <= codes
    assert codes - {"unreachable", "status"} <= set(FAULTS)
    assert set(TITLES.values()) <= set(HEARD)
    assert {BLOCKED, SUSPENDED} <= set(NOT_SENT)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("unreachable: connect: no address accepted a connection", FAULTS["connect"]),
        ("tls: certificate verify failed", FAULTS["tls"]),
        (STATUS, "Elle a une panne (réponse 503)."),
        ("log page: status 502", "Elle a une panne (réponse 502)."),
        ("status 403", "Elle n’accepte rien de notre instance."),
        ("status 418", "Elle n’a pas accepté l’envoi (réponse 418)."),
        (f"{STALE_KEY} ({TITLES[401]})", FAULTS["401"]),
        ("entry 7: not signed", "L’entrée 7 du journal ne passe pas la vérification."),
        (
            "7: odd: no object",
            "L’entrée 7 du journal n’a pas eu d’effet ici. Notre instance ne la comprend pas.",
        ),
        (
            "7: the project signed two different entries with this number",
            "Le projet a signé deux entrées qui portent le numéro 7.",
        ),
        ("Le projet est archivé.", "Le projet est archivé."),
        ("Read the rules: no gardens", "Read the rules: no gardens"),
        ("", ""),
    ],
)
def test_what_is_known_is_told_in_words_and_the_rest_as_given(in_french, why, words):
    assert in_french(why) == words.replace("\u00a0", " ")
