"""One of many values, asked with one parameter, on both databases."""

from __future__ import annotations

from sqlalchemy import or_, select

from collab.core.among import among
from collab.people.models import Actor
from collab.web.extensions import db

NAMED = select(Actor.name).where(or_(among(Actor.iri, "iris"), Actor.name == "zoe"))
ODD = ["https://a.example/u/'", 'https://a.example/u/"', "https://a.example/u/é,{}\\"]


def names(iris):
    return sorted(db.session.scalars(NAMED, {"iris": iris}))


def test_rows_are_found_by_any_of_many_texts_whatever_they_are_made_of(make):
    for alias, iri in zip(("ada", "bea", "cem"), ODD, strict=True):
        make.person(alias).iri = iri
    make.person("zoe")
    db.session.commit()
    assert names([]) == ["zoe"]
    assert names(set(ODD)) == ["ada", "bea", "cem", "zoe"]
    assert names([ODD[1], "unknown"]) == ["bea", "zoe"]


def test_an_index_answers_it(make):
    asked = str(select(Actor.name).where(among(Actor.iri, "iris")).compile(db.engine))
    if db.engine.dialect.name == "postgresql":
        assert "actor.iri = ANY(" in asked
        return
    with db.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ('["x"]',)).all()
    assert any("SEARCH actor USING INDEX" in row[3] for row in plan), plan
