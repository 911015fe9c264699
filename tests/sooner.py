"""What is dear and the same for every instance is made once per test process.

Nothing of ours is left out: the keys are real RSA keys, passwords are really hashed, addresses
are compiled by werkzeug, pages by Jinja, statements by SQLAlchemy. Thousands of tests only need
not wait for each of these again.
"""

from __future__ import annotations

import gc
from itertools import cycle
from types import CodeType

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from collab import instance
from collab.federation.keys import new_rsa
from collab.people import operations

# More than the people of any one test, so that no two of them have the same key.
KEYS = 40

STATEMENTS = 10_000
"""Kept compiled; all that the tests ever say, and no more."""
YOUNG = 50_000
"""New objects between two looks for rubbish, of which apps make more than they leave."""

_places = cycle(range(KEYS))
_keys: dict[int, RSAPrivateKey] = {}
_builders: dict[object, object] = {}
_parsed: dict[object, tuple[list, list, dict]] = {}
_compile_builder = Rule._compile_builder
_parse_rule = Rule._parse_rule
_statements: LRUCache = LRUCache(STATEMENTS)


def rsa_key() -> RSAPrivateKey:
    """The next of a ring of keys, each made when it is first asked for."""
    place = next(_places)
    if place not in _keys:
        _keys[place] = new_rsa()
    return _keys[place]


def builder(rule: Rule, append_unknown: bool = True) -> object:
    """The function that writes a rule's addresses; it depends on the rule's words alone."""
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    words = (tuple(rule._trace), append_unknown)
    if words not in _builders:
        _builders[words] = _compile_builder(rule, append_unknown)
    return _builders[words]


def parsed(rule: Rule, words: str) -> list:
    """The parts of an address, and the notes that reading it leaves at the rule."""
    key = (words, tuple(rule.map.converters.values()))
    if key not in _parsed:
        traced, converted = len(rule._trace), set(rule._converters)
        parts = list(_parse_rule(rule, words))
        new = {name: one for name, one in rule._converters.items() if name not in converted}
        _parsed[key] = (parts, rule._trace[traced:], new)
        return parts
    parts, trace, converters = _parsed[key]
    rule._trace.extend(trace)
    rule._converters.update(converters)
    rule.arguments.update(converters)
    return parts


class Templates(BytecodeCache):
    """Every template's code, for all apps of this process; it depends on the words alone."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[bucket.key, bucket.checksum] = bucket.code


def share_statements(engine: Engine) -> None:
    """Let this engine have what others of its kind have compiled."""
    engine.update_execution_options(compiled_cache=_statements)


def hurry() -> None:
    """Take these short cuts in this process."""
    Flask.jinja_options = {"bytecode_cache": Templates()}
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        # The key of a compiled statement holds its dialect: one is as good as another.
        dialect.__eq__ = lambda one, other: type(one) is type(other)
        dialect.__hash__ = lambda one: hash(type(one))
    gc.set_threshold(YOUNG, 20, 100)
    instance.new_rsa = rsa_key
    operations.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    Rule._compile_builder = builder
    Rule._parse_rule = parsed
