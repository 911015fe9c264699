"""Scripts are asked for once a page is seen, and a page holds no other words that could run."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from conftest import log_in

SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)


@pytest.fixture
def written(client, make):
    """The attributes and the words of each script of a page, and the policy it came with."""
    ada = make.person("ada")
    make.space(ada)
    log_in(client, ada)
    answer = client.get("/p/jardin/discussion/")
    return SCRIPT.findall(answer.get_data(as_text=True)), answer.headers["Content-Security-Policy"]


def test_no_script_is_asked_for_with_the_page(written):
    scripts, _policy = written
    assert any("data-src=" in names for names, _words in scripts)
    assert not any(re.search(r"\ssrc=", names) for names, _words in scripts)


def test_the_policy_lets_one_script_of_a_page_run_and_no_other(written):
    scripts, policy = written
    run = [words for names, words in scripts if words and "application/json" not in names]
    (words,) = run
    hashed = b64encode(sha256(words.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{hashed}';" in policy
