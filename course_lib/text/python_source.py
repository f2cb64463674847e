"""The source code of the installed packages, as a corpus that is never in memory. Used by lesson 14 (gpt_on_gpu)."""

import os
import sysconfig
from collections.abc import Iterator
from hashlib import blake2b, sha256
from pathlib import Path

from course_lib.text.texts import as_list, utf8

LONGEST_FILE = 1_000_000  # bytes; larger files are tables written by programs
SHORTEST_DUPLICATE = 24   # characters; shorter lines (`else:`, `return x`) are the grammar of code, and stay


class PythonSource:
    """The .py files of some folders; iterating reads them one at a time, from the beginning each time.

    A line that stood in an earlier file (licences, copied code) is left out; files of which nothing is left are
    too. Files come in the order of their names, with the folders' own places left out, so that two machines with
    the same packages have the same corpus. max_chars ends it after that many characters.
    """

    def __init__(self, folders: str | Path | list[str | Path] | None = None, max_chars: int | None = None):
        usual = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        given = as_list(folders, "folders", (str, Path)) if folders else []
        if missing := [folder for folder in given if not os.path.isdir(folder)]:
            raise ValueError(f"there is no folder {missing[0]}; name folders with .py files, or leave folders out")
        self.folders = list(dict.fromkeys(Path(folder).resolve() for folder in given or usual))  # often the same one
        self.max_chars = max_chars

    def __iter__(self) -> Iterator[str]:
        seen, chars = SeenLines(), 0
        for folder in self.folders:
            for path in _python_files(folder):
                text = seen.without_duplicates(_read(path))
                if text.strip():
                    yield text
                    chars += len(text)
                if self.max_chars is not None and chars >= self.max_chars:
                    return

    def identity(self) -> dict:
        """What must be equal for the text to be equal: with max_chars its sha256, else the files and their sizes.

        To read gigabytes only to compare them would take minutes at each start.
        """
        digest, n, size = sha256(), 0, 0
        if self.max_chars is not None:
            for text in self:
                digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
                n, size = n + 1, size + len(text)
            return {"documents": n, "chars": size, "sha256": digest.hexdigest()}
        for folder in self.folders:
            for path in _python_files(folder):
                n, here = n + 1, _size(path)
                digest.update(f"{path.relative_to(folder).as_posix()}\0{here}\0".encode("utf-8", "surrogateescape"))
                size += max(here, 0)
        return {"files": n, "bytes": size, "sha256 of their names and sizes": digest.hexdigest()}


class SeenLines:
    """Which lines have been seen, in a fixed 16 MiB: two bits of a large table stand for each line.

    A new line whose two bits happen to be set is taken for an old one: about once in 500 after 3 million lines.
    Elsewhere: a Bloom filter (Bloom 1970).
    """

    BITS = 1 << 27

    def __init__(self):
        self.table = bytearray(self.BITS // 8)

    def without_duplicates(self, text: str) -> str:
        """`text` less its long lines that were seen in an earlier text. A repetition within the text stays."""
        lines = text.splitlines(keepends=True)
        places = [self._places(line) for line in lines]
        kept = [line for line, where in zip(lines, places, strict=True) if not self._is_set(where)]
        for byte, bit in (pair for where in places for pair in where):
            self.table[byte] |= bit
        return "".join(kept)

    def _is_set(self, places):
        return bool(places) and all(self.table[byte] & bit for byte, bit in places)

    def _places(self, line):
        line = utf8(line.strip())
        if len(line) < SHORTEST_DUPLICATE:
            return ()
        digest = blake2b(line, digest_size=8).digest()  # not hash(), which differs from process to process
        numbers = (int.from_bytes(part, "little") % self.BITS for part in (digest[:4], digest[4:]))
        return [(number >> 3, 1 << (number & 7)) for number in numbers]


def _python_files(folder):
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(place, name) for name in sorted(files) if name.endswith(".py"))


def _size(path):
    try:
        return path.stat().st_size
    except OSError:  # a link to nowhere
        return -1


def _read(path):
    """The text of a file, "" where it is no readable UTF-8 or too large."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LONGEST_FILE else ""
    except (OSError, UnicodeDecodeError):
        return ""
