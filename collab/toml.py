"""A TOML file that a person wrote: what it says, or what is wrong with it, in a line."""

from __future__ import annotations

import errno
import re
import tomllib
from pathlib import Path
from typing import Any

MENDS = {
    errno.EISDIR: "is a folder: move it away and write a file of that name",
    errno.EACCES: "may not be read: let the account that runs collab read it (chown or chmod)",
}
LINE = re.compile(r"line (\d+)")


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """What a file says ({} when there is none), and what is wrong with it and how to mend it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        wrong = MENDS.get(error.errno or 0, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        wrong = f"line {line} is not text in UTF-8: save the file again as UTF-8"
    except tomllib.TOMLDecodeError as error:
        at = LINE.search(str(error))
        where = f"line {at[1]}" if at else "its last line"
        wrong = f'{where} is not TOML: write `key = "text"`, `key = 3` or `[section]`'
    return {}, f"{path}: {wrong}"
