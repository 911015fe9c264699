"""Sentences, words and where they stand in a French text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from collab.core.letters import fold

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
PIECE = re.compile(r"\S+")
MASKED = re.compile(
    r"%\(\w+\)[sd]|%%|\{\w+\}|`[^`\n]*`|https?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|</?[a-zA-Z][^<>\n]*>"
)
"""What is no French: placeholders, code, addresses, tags."""
LINK = re.compile(r"(?<=\])\([^()\s]*\)")
OPENING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|[-*+][ \t]+|\d+[.)][ \t]+|>[ \t]?)+", re.MULTILINE)
"""The marks a line of Markdown begins with."""
END = re.compile(r"[.!?…]+(?:[ \u00a0\u202f]?»)?(?=\s|$)")
SHORTENED = re.compile(r"(?:\b(?:m|mm|cf|av|bd|tel|p|ex|n|st|ste|env|art|vol)|\betc)\.$")
DONE = re.compile(r"(.{3,})é(?:e|s|es)?")
FINAL = "!?…"
NEAR = 40
"""How far is looked for what stands next to a full stop."""
SPACES = " \u00a0\u202f"


@dataclass(frozen=True)
class Sentence:
    """A sentence: its words as typed, where it begins, and whether it opens its line."""

    text: str
    start: int
    opens_line: bool

    @property
    def end(self) -> int:
        """Where it ends in the whole text."""
        return self.start + len(self.text)

    def words(self) -> int:
        """How many words a reader counts: what stands between spaces and holds a letter."""
        return sum(1 for p in PIECE.finditer(self.text) if any(c.isalnum() for c in p[0]))


def masked(text: str) -> str:
    """`text` of the same length, with what is no French made into plain letters or blanks."""
    found = MASKED.sub(lambda m: "x" * len(m[0]) if m[0][0] not in "<" else " " * len(m[0]), text)
    found = LINK.sub(lambda m: " " * len(m[0]), found)
    return OPENING.sub(lambda m: " " * len(m[0]), found)


def sentences(text: str) -> list[Sentence]:
    """The sentences of a masked text. A line feed ends one unless the next line goes on small."""
    found: list[Sentence] = []
    for start, stop in _blocks(text):
        found += _in_block(text, start, stop)
    return found


def _blocks(text: str) -> list[tuple[int, int]]:
    blocks: list[tuple[int, int]] = []
    start = 0
    for feed in re.finditer(r"\n", text):
        after = text[feed.end() : feed.end() + NEAR].lstrip(SPACES)[:1]
        before = text[max(start, feed.start() - NEAR) : feed.start()].rstrip()
        if after.islower() and before and before[-1] not in ".!?…:":
            continue
        blocks.append((start, feed.start()))
        start = feed.end()
    return [*blocks, (start, len(text))]


def _in_block(text: str, start: int, stop: int) -> list[Sentence]:
    found: list[Sentence] = []
    at = start
    for end in END.finditer(text, start, stop):
        if not _is_end(text, end, stop):
            continue
        found += _sentence(text, at, end.end(), opens=not found)
        at = end.end()
    return found + _sentence(text, at, stop, opens=not found)


def _is_end(text: str, end: re.Match[str], stop: int) -> bool:
    if SHORTENED.search(fold(text[max(0, end.start() - 6) : end.start()] + ".")):
        return not text[end.end() : min(stop, end.end() + NEAR)].strip()
    after = text[end.end() : min(stop, end.end() + NEAR)].lstrip(SPACES + "«\"'“([")[:1]
    return not after or after.isupper() or after.isdigit() or end[0][0] in FINAL


def _sentence(text: str, start: int, stop: int, *, opens: bool) -> list[Sentence]:
    words = text[start:stop]
    stripped = words.strip()
    if not any(c.isalnum() for c in stripped):
        return []
    first = start + len(words) - len(words.lstrip())
    return [Sentence(stripped, first, opens)]


def stem(word: str) -> str:
    """A word without accents, capitals and the letters that plural and feminine add."""
    done = DONE.fullmatch(word.lower())
    if done:  # « administré » is no form of « administre »
        return f"{fold(done[1])}é"
    bare = fold(word)
    if bare.endswith("aux") and len(bare) > 5:
        return f"{bare[:-3]}al"
    bare = re.sub(r"(?:es|s|x)$", "", bare) if len(bare) > 3 else bare
    return bare[:-1] if bare.endswith("e") and len(bare) > 4 else bare


def stems(words: str) -> tuple[str, ...]:
    """The stems of every word of a term: what two spellings of it share."""
    return tuple(stem(m[0]) for m in WORD.finditer(words))
