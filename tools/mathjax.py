"""Fetch MathJax, which draws the site's formulas: the set-up step of the site that is not Python's.

    python tools/mathjax.py [--if-possible]

npm fetches one exact version with its own settings, once; the checksum below is compared, and one file is kept in a
folder that git ignores. Building the site and reading it then use no network. With --if-possible a machine without npm
gets a line that says what is missing, and everything but the site works.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# All of TeX, drawn as SVG: no font files, no second request.
FILE = ROOT / "build" / "mathjax-3.2.2" / "tex-svg-full.js"
PACKAGE = "mathjax@3.2.2"
INTEGRITY = "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
MEMBER = "package/es5/tex-svg-full.js"
LICENSE = "package/LICENSE"


class NoMathJax(Exception):
    """MathJax could not be fetched; the message says why and what to do."""


def integrity(archive: Path) -> str:
    """The checksum of a file as npm writes it: sha512-…"""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def unpack(archive: Path, target: Path) -> None:
    """Check an archive and keep its one file, and the licence beside it. Raises NoMathJax for any other archive."""
    if integrity(archive) != INTEGRITY:
        raise NoMathJax(f"what npm fetched is not {PACKAGE}: {integrity(archive)} instead of {INTEGRITY}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member, path in ((LICENSE, target.with_name("LICENSE")), (MEMBER, target)):
            part = path.with_name(path.name + ".part")
            part.write_bytes(tar.extractfile(member).read())
            part.replace(path)


def fetch(target: Path = FILE) -> None:
    """Have npm fetch the archive and unpack it. Raises NoMathJax without npm, or with npm's own words."""
    npm = shutil.which("npm")
    if not npm:
        raise NoMathJax("npm is needed to fetch MathJax: install it (Debian, Ubuntu: sudo apt-get install npm)")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([npm, "pack", PACKAGE], cwd=folder, capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            raise NoMathJax(f"npm pack {PACKAGE} failed:\n{done.stderr.strip()}")
        unpack(archives[0], target)


def main(arguments: list[str]) -> int:
    if FILE.exists():
        return 0
    try:
        fetch()
    except NoMathJax as error:
        print(f"course: {error}", file=sys.stderr)
        return 0 if "--if-possible" in arguments else 1
    print(f"Fetched {PACKAGE} into {FILE.parent.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
