"""What only the embedded index owes: its files, its threads, its accidents."""

from __future__ import annotations

import gc
import random
import resource
import threading
from pathlib import Path

import pytest

import collab
from collab.search.backends import open_backend
from collab.search.port import BrokenIndex, Query
from collab.search.postgres import PostgresBackend
from collab.search.whoosh import WhooshBackend

from .conftest import document

SOURCES = Path(collab.__file__).parent


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def index(folder):
    made = WhooshBackend(folder)
    made.clear(None)
    return made


def ids(found):
    return sorted(hit.item_id for hit in found.hits)


def test_an_address_names_its_backend(tmp_path):
    assert isinstance(open_backend("whoosh:", tmp_path / "index"), WhooshBackend)
    assert isinstance(open_backend("postgresql:", tmp_path), PostgresBackend)
    open_backend(f"whoosh:{tmp_path}/elsewhere", tmp_path / "index").clear(None)
    assert (tmp_path / "elsewhere").is_dir()
    with pytest.raises(ValueError, match="neither"):
        open_backend("elasticsearch:", tmp_path)


def test_nobody_else_on_the_machine_may_read_the_index(index, folder):
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_open_is_closed(folder):
    folder.mkdir(mode=0o755)
    WhooshBackend(folder).clear(None)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("trap", ["BufferedWriter", "AsyncWriter", ".refresh(", "filter="])
def test_the_parts_of_the_library_that_go_wrong_are_not_used(trap):
    """BufferedWriter raises when searched; refresh() and filter= answer falsely (ADR 0010)."""
    used = [p.name for p in (SOURCES / "search").rglob("*.py") if f"{trap}" in code_of(p)]
    assert used == []


def code_of(path: Path) -> str:
    """A file without its comments and docstrings, more or less."""
    lines = (line.partition("#")[0] for line in path.read_text().splitlines())
    return "".join(line for n, line in enumerate("\n".join(lines).split('"""')) if n % 2 == 0)


def test_a_reader_that_stays_open_sees_every_commit_exactly(index):
    """Forty commits, with merges, and a question after each: nothing twice, nothing undead."""
    rnd = random.Random(7)
    there = set()
    for day in range(40):
        puts = {rnd.randint(1, 30) for _ in range(rnd.randint(0, 5))}
        drops = {rnd.randint(1, 30) for _ in range(rnd.randint(0, 3))} - puts
        index.apply(None, [document(n, "atelier", str(day)) for n in puts], sorted(drops))
        there = (there | puts) - drops
        found = index.find(None, Query("atelier", [1], limit=100))
        assert ids(found) == sorted(there)
        assert found.total == len(there)


def test_questions_and_commits_at_the_same_time_do_not_disturb_each_other(index):
    index.apply(None, [document(n, "pelle", "râteau " * n) for n in range(1, 51)], [])
    wrong, stop = [], threading.Event()

    def asking():
        while not stop.is_set():
            found = index.find(None, Query("pelle rateau", [1], limit=100))
            if ids(found) != list(range(1, 51)) or not found.ready:
                wrong.append(found)

    threads = [threading.Thread(target=asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(1, 41):
        index.apply(None, [document(n, "pelle", f"râteau {n}")], [])
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_question_is_answered_where_the_server_says(folder):
    asked = []

    def aside(task):
        asked.append(threading.current_thread().name)
        return task()

    backend = WhooshBackend(folder, aside)
    backend.clear(None)
    backend.find(None, Query("x", [1]))
    assert len(asked) == 1


def test_without_an_index_there_is_an_answer_and_a_wish(folder):
    backend = WhooshBackend(folder)
    found = backend.find(None, Query("x", [1]))
    assert (found.ready, found.total) == (False, 0)
    assert backend.wants_filling(None)
    assert not folder.exists()


def test_an_index_that_only_got_a_batch_still_wants_the_rest(folder):
    backend = WhooshBackend(folder)
    backend.apply(None, [document(1, "Pelle")], [])
    assert backend.wants_filling(None)
    backend.fill(None, [document(1, "Pelle"), document(2, "Pelle")])
    assert not backend.wants_filling(None)
    assert ids(backend.find(None, Query("pelle", [1]))) == [1, 2]


def test_an_index_of_another_version_is_not_read(index, folder):
    index.apply(None, [document(1, "Pelle")], [])
    for path in folder.glob("*.toc"):
        path.rename(path.with_name(path.name.replace("fr1", "fr0")))
    again = WhooshBackend(folder)
    assert again.wants_filling(None)
    assert not again.find(None, Query("pelle", [1])).ready
    again.fill(None, [document(2, "Pelle")])
    assert ids(again.find(None, Query("pelle", [1]))) == [2]
    assert list(folder.glob("*fr0*")) == []


def nothing_left(content):
    return b""


def half(content):
    return content[: len(content) // 2]


def noise(content):
    return random.Random(1).randbytes(len(content))


def a_byte_in_ten(content):
    rnd = random.Random(2)
    return bytes(rnd.randrange(256) if n % 10 == 0 else b for n, b in enumerate(content))


def gone(content):
    return None


def damage(path, harm):
    """Put a harmed file in the place of a good one. Who has the good one open keeps it."""
    content = harm(path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.fixture
def collected():
    """Let files that were forgotten be closed while this test is the one that runs."""
    yield
    gc.collect()


leaves_files_to_be_collected = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""When Whoosh fails it forgets the files it had open; Python closes them."""


@leaves_files_to_be_collected
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("harm", [nothing_left, half, noise, a_byte_in_ten, gone])
@pytest.mark.parametrize("suffix", [".toc", ".seg"])
@pytest.mark.parametrize("opened_before", [True, False])
def test_a_damaged_index_is_no_crash_and_is_mended_by_filling(
    index, folder, harm, suffix, opened_before
):
    index.apply(None, [document(n, f"Pelle {n}", "terre " * n) for n in range(1, 40)], [])
    backend = index if opened_before else WhooshBackend(folder)
    if opened_before:
        assert index.find(None, Query("pelle", [1])).total == 39
    for path in folder.glob(f"*{suffix}"):
        damage(path, harm)
    for words in ("pelle", '"pelle 3"', "trere", ""):
        found = backend.find(None, Query(words, [1], limit=100))
        assert found.total in (0, 1, 39)
    try:
        backend.apply(None, [document(50, "Pelle")], [1])
    except BrokenIndex:
        assert backend.wants_filling(None)
    backend.fill(None, [document(1, "Pelle")])
    assert not backend.wants_filling(None)
    assert ids(backend.find(None, Query("pelle", [1]))) == [1]
    assert ids(WhooshBackend(folder).find(None, Query("pelle", [1]))) == [1]


@leaves_files_to_be_collected
@pytest.mark.usefixtures("collected")
def test_a_full_disk_loses_nothing_and_the_next_commit_works(index):
    index.apply(None, [document(1, "Pelle")], [])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    rnd = random.Random(3)
    large = " ".join(f"mot{rnd.random()}" for _ in range(5000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            index.apply(None, [document(2, "Râteau", large)], [1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ids(index.find(None, Query("", [1]))) == [1]
    index.apply(None, [document(2, "Râteau", large)], [1])
    assert ids(index.find(None, Query("", [1]))) == [2]


@leaves_files_to_be_collected
@pytest.mark.usefixtures("collected")
def test_filling_that_fails_leaves_the_old_index_as_it_was(index):
    index.apply(None, [document(1, "Pelle")], [])

    def documents():
        yield document(2, "Râteau")
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        index.fill(None, documents())
    assert ids(index.find(None, Query("", [1]))) == [1]
    index.fill(None, [document(3, "Bêche")])
    assert ids(index.find(None, Query("", [1]))) == [3]
