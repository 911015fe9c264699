"""Write the next database version of one branch: `python tools/write_migration.py BRANCH MESSAGE`.

BRANCH is `house` or a room's name. Read what it wrote before committing it.
"""

import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from collab.core.db import prepare
from collab.federation import models as _federation  # noqa: F401 - its tables are the house's
from collab.migrate import upgrade, write
from collab.spaces import decisions as _decisions  # noqa: F401 - so is this one

with tempfile.TemporaryDirectory() as folder:
    engine = create_engine(f"sqlite:///{Path(folder) / 'compare.sqlite'}")
    prepare(engine)
    upgrade(engine)
    print(write(engine, sys.argv[1], " ".join(sys.argv[2:])))
