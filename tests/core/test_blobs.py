"""Bytes that are kept once, and swept while others come and go."""

from __future__ import annotations

from collab.core.blobs import Blobs


def test_what_is_dropped_while_one_looks_for_old_bytes_stops_nothing(tmp_path):
    blobs = Blobs(tmp_path)
    digests = sorted(blobs.put(content) for content in (b"one", b"two", b"three"))
    seen = []
    for digest in blobs.older_than(-1):
        seen.append(digest)
        blobs.drop(digests[1])
    assert seen == [digests[0], digests[2]]
