"""Verify the history of a project, anywhere: `python verify.py project.psz`.

Needs Python 3.11 or newer and two packages: `pip install cryptography rfc8785`. Nothing is asked
of any network. It prints what it found and ends with status 0; or it names the first bad entry
and ends with status 1. `--key z6Mk...` also demands that the project began with that key, which
you should have from somewhere else than this file: its page, its administrator, an older export.

What is checked, entry after entry: it follows the one before (a chain of SHA-256), the project
signed it (FEP-8b32, eddsa-jcs-2022) with the key that the log itself says was in use, its words
are those that were signed or were erased since, and their author signed them where it says so.
Then every file: it is the one that was sealed, and what is in `files/` is what the log says of it.
"""

import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, KEYS, SEAL = "log.ndjson", "keys.json", "seal.json"
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
NAME = re.compile(r"[A-Za-z]+\.[a-z]+|files/[0-9a-f]{64}(\.[a-z0-9]{1,5})?")
ODD = (TypeError, ValueError, AttributeError, NotImplementedError, zipfile.BadZipFile)
LONGEST, AT_ONCE = 1 << 21, 1 << 20  # bytes of an entry, and of a file read together
SUITE = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "proofPurpose": "assertionMethod",
}
Json = dict[str, Any]


class Bad(Exception):
    """Something that is not what it says it is, in plain words."""


def base58(text: str) -> bytes:
    """Multibase base58btc (`z...`) to bytes."""
    number = 0
    for character in text[1:]:
        if text[0] != "z" or character not in ALPHABET:
            raise Bad("an unreadable key or signature")
        number = number * 58 + ALPHABET.index(character)
    zeros = len(text) - 1 - len(text[1:].lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multihash(document: Json | str) -> str:
    """SHA-256 of an object in its canonical form, or one in hex, as a multihash in base58btc."""
    raw = b"" if isinstance(document, str) else hashlib.sha256(rfc8785.dumps(document)).digest()
    raw = raw or bytes.fromhex(str(document))
    number, text = int.from_bytes(b"\x12\x20" + raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "z" + text


def attached(body: Json) -> set[str]:
    """The digests, as multihashes, of all that an activity says is attached to its object."""
    thing = body.get("object")
    thing = thing.get("object") if isinstance(thing, dict) and "actor" in thing else thing
    told = thing.get("attachment") if isinstance(thing, dict) else None
    parts = told if isinstance(told, list) else [told]
    return {str(part.get("digestMultibase")) for part in parts if isinstance(part, dict)}


def once(pairs: list[tuple[str, Any]]) -> Json:
    """A JSON object in which no name comes twice."""
    if len(dict(pairs)) != len(pairs):
        raise Bad("the same name twice in an object")
    return dict(pairs)


def read(data: bytes) -> Json:
    """One JSON object, written in its one canonical form (RFC 8785)."""
    try:
        found = json.loads(data, object_pairs_hook=once)
        same = isinstance(found, dict) and rfc8785.dumps(found) == data
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise Bad("it is not readable as JSON") from error
    if not same:
        raise Bad("it is not written in its canonical form")
    return dict(found)


def instant(value: object) -> datetime:
    """A date, with UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Bad("a date is unreadable") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def check_proof(document: Json, key: Json) -> None:
    """See that `document` was signed with `key` (as a Multikey entry), while it was in use."""
    proof = document.get("proof")
    if not isinstance(proof, dict) or any(proof.get(name) != SUITE[name] for name in SUITE):
        raise Bad("it carries no signature of the kind expected")
    made = instant(proof.get("created"))
    ends = [instant(key[name]) for name in ("expires", "revoked") if key.get(name)]
    if ends and made > min(ends):
        raise Bad(f"signed with {key['id']} after the end of that key")
    plain = {name: part for name, part in document.items() if name not in ("proof", "signature")}
    if "@context" in proof:
        own, theirs = plain.get("@context"), proof["@context"]
        own, theirs = (part if isinstance(part, list) else [part] for part in (own, theirs))
        if own[: len(theirs)] != theirs:
            raise Bad("it was signed with another context")
        plain["@context"] = proof["@context"]
    options = {name: part for name, part in proof.items() if name != "proofValue"}
    signed = b"".join(hashlib.sha256(rfc8785.dumps(part)).digest() for part in (options, plain))
    raw = base58(key["publicKeyMultibase"])
    try:
        public = Ed25519PublicKey.from_public_bytes(raw.removeprefix(b"\xed\x01"))
        public.verify(base58(str(proof.get("proofValue"))), signed)
    except (InvalidSignature, ValueError) as error:
        raise Bad(f"the signature of {key['id']} does not match") from error


def method(document: Json) -> str:
    """The id of the key a document says it is signed with; "" without one."""
    proof = document.get("proof")
    return str(proof.get("verificationMethod")) if isinstance(proof, dict) else ""


class Log:
    """A log as far as it has been verified."""

    def __init__(self, keys: Json) -> None:
        self.group, self.key = str(keys["group"]), dict(keys["first"])
        self.first = str(self.key["publicKeyMultibase"])
        self.authors = {key["id"]: key for key in keys["authors"]}
        self.seq, self.head, self.files = 0, "", set[str]()
        told = "proved", "relayed", "erased", "without key", "new keys", "files as the log says"
        self.counts = dict.fromkeys(told, 0)

    def take(self, line: bytes) -> None:
        """Verify the next entry. Raises Bad."""
        item = read(line)
        entry, body = item.get("entry"), item.get("body")
        if not isinstance(entry, dict) or not isinstance(body, dict) or len(item) != 2:
            raise Bad("it is not an entry with its words")
        if entry.get("seq") != self.seq + 1:
            raise Bad(f"it calls itself entry {entry.get('seq')}: one is missing or moved")
        if entry.get("attributedTo") != self.group or entry.get("type") != "LogEntry":
            raise Bad("it is not of this project")
        if entry.get("prev") != self.head:
            raise Bad("it does not follow the entry before it")
        if method(entry) != self.key["id"]:
            raise Bad(f"signed with {method(entry)}, but the log goes on with {self.key['id']}")
        check_proof(entry, self.key)
        self.check_words(entry, body)
        self.seq, self.head = self.seq + 1, multihash(entry)

    def check_words(self, entry: Json, body: Json) -> None:
        """See that the words are those of the entry, and of their author."""
        if body.get("type") == "Tombstone" and body.get("id") == entry.get("activity"):
            self.counts["erased"] += 1
            return
        if multihash(body) != entry.get("digest"):
            raise Bad("its words are not those that were signed")
        self.files |= attached(body)
        actor, trust = body.get("actor"), entry.get("trust")
        if actor == self.group:
            self.change_keys(body)
        elif trust == "http":
            self.counts["relayed"] += 1
        elif trust != "proof" or method(body).partition("#")[0] != actor:
            raise Bad("the project speaks for somebody who did not sign")
        elif method(body) not in self.authors:
            self.counts["without key"] += 1
        else:
            check_proof(body, self.authors[method(body)])
            self.counts["proved"] += 1

    def change_keys(self, body: Json) -> None:
        """Go on with the newest key that is in use, when the project lists its keys."""
        thing: Json = body.get("object") or {}
        listed = thing.get("assertionMethod") if isinstance(thing, dict) else None
        if body.get("type") != "Update" or not isinstance(listed, list):
            return
        own = [k for k in listed if (thing["id"], k.get("controller")) == (self.group,) * 2]
        usable = [key for key in own if not (key.get("expires") or key.get("revoked"))]
        if usable and usable[-1]["id"] != self.key["id"]:
            self.key = usable[-1]
            self.counts["new keys"] += 1


def seek(archive: zipfile.ZipFile, file: BinaryIO, name: str) -> int:
    """Go to where a member lies, damaged or not, so that damage has a place. Its size."""
    info = archive.getinfo(name)
    file.seek(info.header_offset + 26)
    file.seek(sum(int.from_bytes(file.read(2), "little") for _ in range(2)), 1)
    return info.file_size


def stored(archive: zipfile.ZipFile, file: BinaryIO, name: str) -> bytes:
    """The bytes of a small member."""
    return file.read(seek(archive, file, name))


def lines(archive: zipfile.ZipFile, file: BinaryIO) -> Iterator[bytes]:
    """The lines of the log, while nothing else is read. Raises Bad for one that is too long."""
    left = seek(archive, file, LOG)
    while left > 0:
        line = file.readline(min(left, LONGEST))
        left -= len(line)
        if len(line) == LONGEST or not line:
            raise Bad(f"it is longer than {LONGEST} bytes, or cut off")
        yield line.removesuffix(b"\n")


def check_members(archive: zipfile.ZipFile, file: BinaryIO) -> None:
    """See that every member is a plain file: once, not compressed, under a name of ours."""
    if len(set(archive.namelist())) != len(archive.namelist()):
        raise Bad("a file is there twice")
    for info in archive.infolist():
        name, kind = info.filename, info.external_attr >> 28
        file.seek(info.header_offset + 26)
        size, _ = int.from_bytes(file.read(2), "little"), file.read(2)
        if not NAME.fullmatch(name) or file.read(size) != name.encode():
            raise Bad(f"a file that is none of such an archive: {name!r}")
        if info.compress_type or info.compress_size != info.file_size or kind not in (0, 8):
            raise Bad(f"the file {name} is compressed, or is no plain file")


def check_seal(archive: zipfile.ZipFile, file: BinaryIO, log: Log) -> str:
    """See that the archive ends where it was sealed, with the files it was sealed with."""
    seal = read(stored(archive, file, SEAL))
    if (seal.get("project"), seal.get("seq"), seal.get("head")) != (log.group, log.seq, log.head):
        raise Bad(f"it was sealed with {seal.get('seq')} entries, and holds {log.seq}")
    sealer = method(seal).partition("#")[0]
    key = log.key if sealer == log.group else log.authors.get(method(seal))
    if key is None or key["id"] != method(seal) or seal.get("attributedTo") != sealer:
        raise Bad("nobody known sealed it")
    check_proof(seal, key)
    if set(archive.namelist()) != {*seal["files"], SEAL}:
        raise Bad("a file is missing, or one too many")
    for name, sealed in seal["files"].items():
        left, found = seek(archive, file, name), hashlib.sha256()
        while left > 0 and (part := file.read(min(left, AT_ONCE))):
            found.update(part)
            left -= len(part)
        if found.hexdigest() != sealed:
            raise Bad(f"the file {name} is not the one that was sealed")
        if name[:6] == "files/" and (name[6:70] != sealed or multihash(sealed) not in log.files):
            raise Bad(f"the file {name} is nothing that the log speaks of")
    log.counts["files as the log says"] = sum(name[:6] == "files/" for name in seal["files"])
    return sealer


def verify(path: str, first: str = "") -> Log:
    """Verify a whole archive. Raises Bad, which says where and why."""
    where = "the archive cannot be read"
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            check_members(archive, file)
            log = Log(read(stored(archive, file, KEYS)))
            where = "the first key"
            if first and log.first != first:
                raise Bad(f"the project began with the key {log.first}")
            where = "entry 1"
            for line in lines(archive, file):
                log.take(line)
                where = f"entry {log.seq + 1}"
            where = f"the seal, after entry {log.seq}"
            log.counts[f"sealed by {check_seal(archive, file, log)}"] = 1
            return log
    except (Bad, OSError, LookupError, *ODD) as error:
        raise Bad(f"{where}: {error}") from error


def main(arguments: list[str]) -> int:
    """Print what was found; the exit status."""
    given = [word for word in arguments if word != "--key"]
    if len(given) != 1 + ("--key" in arguments):
        sys.stderr.write("usage: python verify.py project.psz [--key z6Mk...]\n")
        return 2
    try:
        log = verify(given[0], given[1] if len(given) > 1 else "")
    except Bad as bad:
        sys.stderr.write(f"BAD {bad}\n")
        return 1
    told = ", ".join(f"{count} {name}" for name, count in log.counts.items() if count)
    sys.stdout.write(f"{log.group}\nbegan with the key {log.first}\n")
    sys.stdout.write(f"GOOD {log.seq} entries ({told})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
