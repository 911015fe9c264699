"""What is saved can be found: from the event to the index, in batches, by the worker."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, delete, text

from collab.core.db import now
from collab.core.jobs import Handler, Job, enqueue, run_due
from collab.search.indexer import Indexer, document_of, reindex
from collab.search.port import Query
from collab.search.whoosh import WhooshBackend
from collab.spaces.items import react, refuse, restore, withdraw
from collab.spaces.models import ItemState
from collab.spaces.tool import Tools
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.tools.pages.inputs import EditDocument, WriteDocument
from collab.spaces.tools.pages.operations import edit_document, write_document
from collab.web.extensions import db


class Counting(WhooshBackend):
    """The real index, which also notes down every batch it gets."""

    def __init__(self, folder):
        super().__init__(folder)
        self.batches = []

    def apply(self, session, puts, drops):
        self.batches.append(([d.item_id for d in puts], list(drops)))
        super().apply(session, puts, drops)


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def garden(make, ada):
    return make.space(ada)


@pytest.fixture
def index(house, tmp_path):
    """An index that counts, in the place of the house's own."""
    backend = Counting(tmp_path / "counted")
    backend.clear(None)
    indexer = Indexer(house.runtime.tools, backend)
    house.runtime.handlers["index"] = Handler(indexer.index, batch=True)
    house.settle()
    backend.batches.clear()
    return backend


def write(house, author, space, title="Compost", source="Le bac mûrit.", **more):
    with house.as_(author) as work:
        return write_document(work, space, WriteDocument(title=title, source=source, **more))


def ids(backend, words, space):
    return [h.item_id for h in backend.find(db.session(), Query(words, [space.id])).hits]


def test_what_is_written_is_found_and_what_is_changed_is_found_as_it_is_now(
    house, ada, garden, index
):
    page = write(house, ada, garden)
    house.settle()
    assert ids(index, "composts", garden) == [page.id]
    with house.as_(ada) as work:
        given = EditDocument(document=page.uid, title="Compost", source="Des vers.", base=None)
        edit_document(work, garden, given)
    house.settle()
    assert ids(index, "bac", garden) == []
    assert ids(index, "ver", garden) == [page.id]


def test_of_a_document_the_words_are_found_and_not_the_signs_around_them(house, ada, garden, index):
    page = write(house, ada, garden, source="Une cuve **opaque**.\n\n| Eau |\n|---|\n| 40 m² |")
    told = document_of(house.runtime.tools, page)
    assert told is not None
    assert "Une cuve opaque." in told.text
    assert "40 m²" in told.text
    assert not set("*|") & set(told.text)


def test_a_thread_and_its_messages_are_found(house, ada, garden, index):
    with house.as_(ada) as work:
        thread = open_thread(work, garden, OpenThread(title="Eau de pluie", body="Une cuve ?"))
    with house.as_(ada) as work:
        given = PostMessage(thread=thread.uid, body="J’ai un *tonneau*.")
        message = post_message(work, garden, given)
    house.settle()
    assert ids(index, "pluie", garden) == [thread.id]
    assert ids(index, "tonneaux", garden) == [message.id]


def test_what_is_withdrawn_is_gone_until_it_is_restored(house, ada, garden, index):
    page = write(house, ada, garden)
    house.settle()
    with house.as_(ada) as work:
        withdraw(work, page)
    house.settle()
    assert ids(index, "compost", garden) == []
    with house.as_(ada) as work:
        restore(work, page)
    house.settle()
    assert ids(index, "compost", garden) == [page.id]


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.REFUSED])
def test_what_its_host_has_not_confirmed_is_not_found(house, ada, garden, index, state):
    page = write(house, ada, garden)
    house.settle()
    with house.as_(ada) as work:
        refuse(work, page, "non")
        page.state = state
    house.settle()
    assert ids(index, "compost", garden) == []


def test_many_events_are_one_commit_and_each_item_is_written_once(house, ada, garden, index):
    pages = [write(house, ada, garden, title=f"Fiche {n}") for n in range(3)]
    for n in range(4):
        with house.as_(ada) as work:
            given = EditDocument(
                document=pages[0].uid, title="Fiche 0", source=f"version {n}", base=None
            )
            edit_document(work, garden, given)
    with house.as_(ada) as work:
        withdraw(work, pages[2])
    house.settle()
    ((puts, drops),) = index.batches
    assert sorted(puts) == [pages[0].id, pages[1].id]
    assert drops == [pages[2].id]


def test_a_reaction_writes_nothing(house, ada, garden, index):
    page = write(house, ada, garden)
    house.settle()
    index.batches.clear()
    with house.as_(ada) as work:
        react(work, page, "merci")
    house.settle()
    assert index.batches == []


def test_an_item_whose_tool_is_not_installed_is_not_indexed(house, ada, garden):
    page = write(house, ada, garden)
    assert document_of(house.runtime.tools, page).title == "Compost"
    assert document_of(Tools([]), page) is None


def test_a_lost_index_is_filled_again_by_the_next_thing_that_happens(
    house, ada, garden, index, tmp_path
):
    pages = [write(house, ada, garden, title=f"Compost {n}") for n in range(3)]
    house.settle()
    for path in (tmp_path / "counted").iterdir():
        path.unlink()
    assert ids(index, "compost", garden) == []
    pages.append(write(house, ada, garden, title="Compost 3"))
    house.settle()
    assert sorted(ids(index, "compost", garden)) == [page.id for page in pages]


def test_filling_anew_says_how_far_it_is_and_finds_the_same(house, ada, garden, index):
    pages = [write(house, ada, garden, title=f"Compost {n}") for n in range(5)]
    with house.as_(ada) as work:
        withdraw(work, pages[0])
    house.settle()
    index.clear(None)
    heard = []
    count = reindex(db.session(), house.runtime.tools, index, heard.append)
    assert (count, heard) == (4, [4])
    assert sorted(ids(index, "compost", garden)) == [page.id for page in pages[1:]]


def test_filling_anew_reads_on_past_one_handful(house, ada, garden, index):
    for n in range(230):
        write(house, ada, garden, title=f"Compost {n}")
    db.session.execute(delete(Job))
    db.session.commit()
    heard = []
    assert reindex(db.session(), house.runtime.tools, index, heard.append) == 230
    assert heard == [200, 230]


def test_nobody_who_saves_waits_for_the_index(house):
    """A batch handler runs while another connection writes to the same database."""
    impatient = {"timeout": 0} if db.engine.dialect.name == "sqlite" else {}
    other = create_engine(db.engine.url, connect_args=impatient)
    written = []

    def slow(session, payloads):
        with other.begin() as connection:
            connection.execute(text("CREATE TABLE somebody_else (id INTEGER)"))
        written.append(len(payloads))

    enqueue(db.session(), "slow", {}, now())
    db.session.commit()
    handlers = {"slow": Handler(slow, batch=True)}
    assert run_due(db.session(), handlers, now(), strict=True) == 1
    assert written == [1]
    assert run_due(db.session(), handlers, now(), strict=True) == 0
    other.dispose()


def test_a_batch_that_fails_is_kept_for_later(house):
    def failing(session, payloads):
        raise OSError("no space left on device")

    for _ in range(3):
        enqueue(db.session(), "failing", {}, now())
    db.session.commit()
    run_due(db.session(), {"failing": Handler(failing, batch=True)}, now())
    db.session.expire_all()
    kept = db.session.query(Job).filter_by(kind="failing").all()
    assert [job.attempts for job in kept] == [1, 1, 1]
    assert "no space left" in kept[0].error
