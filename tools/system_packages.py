"""See that what the tests need beside Python packages is here: Chromium, PostgreSQL, a font.

As root on Debian and its relatives, what is missing is installed; otherwise one line says which
packages to install, and the exit status is 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def chromium() -> bool:
    """A browser that Playwright can drive by its path."""
    return shutil.which("chromium") is not None


def postgresql() -> bool:
    """The server's programs; Debian keeps them off the path, one folder per version."""
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def font() -> bool:
    """A font for the screenshots; without one Chromium draws empty boxes."""
    return any(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))


NEEDED = {"chromium": chromium, "postgresql": postgresql, "fonts-dejavu-core": font}


def missing() -> list[str]:
    """The Debian packages that are still to be installed."""
    return [package for package, is_here in NEEDED.items() if not is_here()]


def install(packages: list[str]) -> bool:
    """Install from Debian without a question; whether both steps succeeded."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    words = ["install", "--yes", "--no-install-recommends", *packages]
    for step in (["update"], words):
        if subprocess.run(
            ["apt-get", "-qq", *step], env=quiet, stdin=subprocess.DEVNULL
        ).returncode:
            return False
    return True


def main(packages: list[str], may_install: bool) -> int:
    """Install these packages, or tell which. Returns the exit status."""
    if not packages:
        return 0
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if may_install:
        print(f"Installing for the tests: {', '.join(packages)} ...", flush=True)
        if install(packages) and not missing():
            return 0
    print(f"The tests need packages of the system: as root, run `{command}`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(missing(), os.geteuid() == 0 and shutil.which("apt-get") is not None))
