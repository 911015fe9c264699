"""One apostrophe in the keys of titles, and nothing invisible.

Revision: b61d0e7f42a9
After: 3efa6305c6db
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "b61d0e7f42a9"
down_revision = "3efa6305c6db"
branch_labels = None
depends_on = None

APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ＇′`", "'"))
DOCUMENT = sa.table("document", sa.column("id"), sa.column("title_key"))
LINK = sa.table("page_link", sa.column("from_id"), sa.column("title_key"))


def upgrade() -> None:
    bind = op.get_bind()
    for number, key in bind.execute(sa.select(DOCUMENT.c.id, DOCUMENT.c.title_key)).all():
        if (plain := _plain(key)) != key:
            mine = DOCUMENT.c.id == number
            bind.execute(sa.update(DOCUMENT).where(mine).values(title_key=plain))
    rows = bind.execute(sa.select(LINK.c.from_id, LINK.c.title_key)).all()
    taken = {tuple(row) for row in rows}
    for number, key in rows:
        if (plain := _plain(key)) == key:
            continue
        mine = sa.and_(LINK.c.from_id == number, LINK.c.title_key == key)
        if (number, plain) in taken:
            bind.execute(sa.delete(LINK).where(mine))
        else:
            taken.add((number, plain))
            bind.execute(sa.update(LINK).where(mine).values(title_key=plain))


def _plain(key: str) -> str:
    if key.startswith("/pages/"):  # a document named by its address
        return key
    seen = "".join(c for c in key.translate(APOSTROPHES) if unicodedata.category(c) != "Cf")
    return " ".join(seen.split())
