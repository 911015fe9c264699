"""Filling the demonstration by the API: one shared project, where people of three houses speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from collab.demo.stage import Json, Stage, Stuck, until
from collab.demo.story import EASY, HOUSES, PROJECT, ROOMS, SHEETS, TALKS, Easy, Talk

DOCUMENTS = "pages/documents"
THREADS = "discussion/threads"
EASY_VERSIONS = "simple/simple-versions"


def play(stages: Mapping[str, Stage], tell: Callable[[str], None]) -> None:
    """Open the shared project, bring everybody in, let them talk and write."""
    ground = Ground(stages)
    ground.open()
    tell(f"« {PROJECT['name']} » est ouvert, tout le monde y participe")
    named = {"": ""}
    """The IRI of each text by its title; nothing by nothing, for the purpose."""
    for sheet in SHEETS:
        given = {"title": sheet.title, "source": sheet.words, "description": sheet.description}
        path = f"/spaces/{ground.slug}/{DOCUMENTS}"
        named[sheet.title] = ground.home.api(ground.owner, "POST", path, given)["iri"]
    for talk in TALKS:
        named[talk.title] = ground.talk(talk)
        tell(f"discussion : {talk.title}")
    for easy in EASY:
        ground.simplify(easy, named[easy.of])
    until(ground.simplified, "the easy versions are there")
    tell(f"versions simples : {len(EASY)}")


class Ground:
    """The shared project, as each house sees it."""

    def __init__(self, stages: Mapping[str, Stage]) -> None:
        self.stages, self.home = stages, stages["asso"]
        self.owner = self.home.house.people[0][0]
        self.slug = PROJECT["slug"]

    def where(self, stage: Stage) -> str:
        """The address of the project on that instance."""
        return self.slug if stage is self.home else f"{self.slug}@{self.home.host}"

    def open(self) -> None:
        """Open the project with every room, and let everybody in who asks."""
        self.home.api(self.owner, "POST", "/spaces", {**PROJECT, "tools": ROOMS})
        for stage in self.stages.values():
            for alias, _shown in stage.house.people:
                if not (stage is self.home and alias == self.owner):
                    path = f"/spaces/{self.where(stage)}/join"
                    stage.api(alias, "POST", path, {"note": "Bonjour !"})
        awaited = sum(len(house.people) for house in HOUSES) - 1
        until(lambda: self._admitted() >= awaited, "everybody asks to join")

    def _admitted(self) -> int:
        """Admit who has asked. Returns how many there are beside the owner."""
        path = f"/spaces/{self.slug}/requests"
        for row in self.home.api(self.owner, "GET", path):
            self.home.api(self.owner, "POST", f"{path}/{row['member']}/accept")
        return len(self.home.api(self.owner, "GET", f"/spaces/{self.slug}/members")) - 1

    def talk(self, talk: Talk) -> str:
        """A thread with its answers, each where its author lives. Returns its IRI."""
        first, who = self.stages[talk.opening.house], talk.opening.who
        self._awaited(first, who)
        path = f"/spaces/{self.where(first)}/{THREADS}"
        thread = first.api(who, "POST", path, {"title": talk.title, "body": talk.opening.words})
        for answer in talk.answers:
            stage = self.stages[answer.house]
            here = self._arrived(stage, answer.who, THREADS, thread["iri"])
            self._awaited(stage, answer.who)
            stage.api(answer.who, "POST", f"/items/{here}/messages", {"body": answer.words})
        return str(thread["iri"])

    def simplify(self, easy: Easy, iri: str) -> None:
        """An easy version, written where its author lives."""
        stage, who = self.stages[easy.said.house], easy.said.who
        room = DOCUMENTS if easy.of in {sheet.title for sheet in SHEETS} else THREADS
        given: Json = {"body": easy.said.words, "title": easy.of, "of": ""}
        if iri:
            given["of"] = self._arrived(stage, who, room, iri)
        stage.api(who, "POST", f"/spaces/{self.where(stage)}/{EASY_VERSIONS}", given)

    def simplified(self) -> bool:
        """Whether the project has all of them."""
        found = self.home.api(self.owner, "GET", f"/spaces/{self.slug}/{EASY_VERSIONS}")
        return len(found) == len(EASY)

    def _awaited(self, stage: Stage, who: str) -> None:
        path = f"/spaces/{self.where(stage)}"
        until(lambda: stage.api(who, "GET", path)["membership"] == "active", f"{who} is a member")

    def _arrived(self, stage: Stage, who: str, room: str, iri: str) -> str:
        """The id, on that instance, of a text with that IRI, once it is there."""

        def found() -> str:
            try:
                rows = stage.api(who, "GET", f"/spaces/{self.where(stage)}/{room}")
            except Stuck:
                return ""
            return next((str(row["id"]) for row in rows if row["iri"] == iri), "")

        return str(until(found, f"{stage.house.name} has {iri}"))
