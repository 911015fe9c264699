"""Those who write and those who read while everything fails; each remembers what they were told."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import socketio
import urllib3
from harness import Answer, Instance, Listener

GONE = (
    AssertionError, OSError, RuntimeError, KeyError,
    urllib3.exceptions.HTTPError, socketio.exceptions.SocketIOError,
)  # fmt: skip
"""What a client sees of an instance that is killed under it."""
WEIGHTS = {"say": 12, "open": 1, "edit": 4, "react": 2, "withdraw": 1, "restore": 1, "write": 1}


@dataclass
class Word:
    """Something that somebody wrote. `accepted`: their instance said so; else nobody knows."""

    token: str
    accepted: bool
    uid: str = ""
    title: str = ""
    fate: str = "there"
    """`there` or `away`, as far as told; `unknown` after an act without an answer."""


@dataclass
class Writer:
    """One person who goes on acting, whatever happens to their instance."""

    home: Instance
    alias: str
    address: str
    threads: list[str]
    chance: random.Random
    pause: float
    documents: bool = False
    words: list[Word] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def act(self, acts: int) -> None:
        verbs, weights = zip(*WEIGHTS.items(), strict=True)
        for number in range(acts):
            verb = self.chance.choices(verbs, weights)[0]
            try:
                outcome = getattr(self, f"_{verb}")(number)
            except GONE:
                outcome = "unknown"
            self.outcomes[outcome] += 1
            if outcome == "unknown":
                time.sleep(self.chance.uniform(0.2, 1.0))
            time.sleep(self.chance.expovariate(1 / self.pause))

    def _ask(self, method: str, path: str, sent: object = None) -> tuple[str, Answer]:
        answer = self.home.ask(method, f"/api/v1{path}", as_=self.alias, sent=sent, quiet=True)
        if answer.status in (200, 201, 202):
            return "accepted", answer
        if answer.status == 0 or answer.status >= 500:
            return "unknown", answer
        self.refusals.append(f"{method} {path}: {answer.status} {answer.text[:300]}")
        return "refused", answer

    def _make(self, path: str, number: int, sent: dict[str, str], *, listed: bool = True) -> str:
        token = f"«{self.alias}-{number}»"
        given = {key: f"{token} {value}" for key, value in sent.items()}
        outcome, answer = self._ask("POST", path, given)
        if outcome != "refused":
            accepted = outcome == "accepted"
            uid = answer.json["id"] if accepted and listed else ""
            self.words.append(Word(token, accepted, uid, given.get("title", "")))
        return outcome

    def _say(self, number: int) -> str:
        path = f"/items/{self.chance.choice(self.threads)}/messages"
        return self._make(path, number, {"body": "Bonjour."})

    def _open(self, number: int) -> str:
        given = {"title": "Sujet", "body": "Qui vient ?"}
        return self._make(f"/spaces/{self.address}/discussion/threads", number, given)

    def _write(self, number: int) -> str:
        if not self.documents:
            return self._say(number)
        given = {"title": "Page", "body": "Texte."}
        return self._make(f"/spaces/{self.address}/pages/documents", number, given, listed=False)

    def _edit(self, number: int) -> str:
        word = self._own("there")
        if word is None:
            return self._say(number)
        sent = {"body": f"{word.token} Revu {number}."}
        if word.title:
            sent["title"] = word.title
        outcome, _ = self._ask("PATCH", f"/items/{word.uid}", sent)
        return outcome

    def _withdraw(self, number: int) -> str:
        word = self._own("there")
        if word is None:
            return self._say(number)
        word.fate = "unknown"
        outcome, _ = self._ask("DELETE", f"/items/{word.uid}")
        word.fate = {"accepted": "away", "refused": "there"}.get(outcome, "unknown")
        return outcome

    def _restore(self, number: int) -> str:
        word = self._own("away")
        if word is None:
            return self._say(number)
        word.fate = "unknown"
        outcome = self._live("restore", {"item": word.uid})
        word.fate = "there" if outcome == "accepted" else "unknown"
        return outcome

    def _react(self, _number: int) -> str:
        sign = self.chance.choice(["merci", "accord", "bravo", "question"])
        return self._live("react", {"item": self.chance.choice(self.threads), "sign": sign})

    def _live(self, action: str, given: dict[str, str]) -> str:
        with self.home.live(self.alias) as live:
            answer = live.do(self.address, "discussion", action, given)
        if isinstance(answer, dict) and answer.get("code"):
            self.refusals.append(f"{action} {given}: {answer}")
            return "refused"
        return "accepted"

    def _own(self, fate: str) -> Word | None:
        mine = [word for word in self.words if word.uid and word.fate == fate]
        return self.chance.choice(mine) if mine else None


@dataclass
class Reader:
    """A page that stays open: it loses its connection, comes back, and is told what it missed."""

    home: Instance
    alias: str
    address: str
    seq: int | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    resyncs: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        while not self.over.is_set():
            with contextlib.suppress(*GONE):
                self._listen()
            self.over.wait(0.3)

    def _listen(self) -> None:
        listener = Listener(self.home, self.alias)
        listener.client.on("happened", self._heard)
        listener.open()
        try:
            joined = listener.join(self.address, self.seq)
            if joined.get("resync"):
                self.resyncs += 1
            if self.seq is None or joined.get("resync"):
                self.seq = joined["seq"]
            while listener.client.connected and not self.over.is_set():
                self.over.wait(0.2)
        finally:
            listener.close()

    def _heard(self, fact: dict[str, Any]) -> None:
        if self.seq is not None and fact["seq"] <= self.seq:
            return  # as the script of a page does
        self.seq = fact["seq"]
        self.told.append(fact)
