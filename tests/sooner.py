"""What is dear and the same for every instance is made once per test process.

Nothing of ours is left out: the keys are real RSA keys, passwords are really hashed, addresses
are compiled by werkzeug. Thousands of tests only need not wait for each of these again.
"""

from __future__ import annotations

from itertools import cycle

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from werkzeug.routing import Rule

from collab import instance
from collab.federation.keys import new_rsa
from collab.people import operations

# More than the people of any one test, so that no two of them have the same key.
KEYS = 40

_places = cycle(range(KEYS))
_keys: dict[int, RSAPrivateKey] = {}
_builders: dict[object, object] = {}
_compile_builder = Rule._compile_builder


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


def hurry() -> None:
    """Take these short cuts in this process."""
    instance.new_rsa = rsa_key
    operations.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    Rule._compile_builder = builder
