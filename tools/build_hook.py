"""Make what a wheel carries and git does not: the browser's libraries, compiled translations."""

import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
import assets  # it stands beside this file, which the builder loads by its path


class BuildHook(BuildHookInterface[Any]):
    """Runs before the files of a wheel or of a source archive are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill the gaps. An editable install has none: the Makefile keeps the work tree whole."""
        if version == "editable":
            return
        assets.fetch(assets.VENDOR)
        for source in Path(self.root, "collab", "translations").glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as text, source.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(text))
