r"""JSON as it comes back: from an editor, from git, from another system's shell. The files of all lessons are read so.

A file is written as UTF-8 with "\n", and read by whoever cloned, opened or copied it since. Notepad puts a byte order
mark in front, PowerShell's `>` writes UTF-16, git may turn line ends into "\r\n": none of them changes what is said, so
all are read. What another encoding, a merge or a half copy has made of a file cannot be guessed, and is refused with
the file's name and the way out.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

AGAIN = "take it again from where it came from"
KINDS = {dict: "an object {…}", list: "a list", str: "text", bool: "true or false", int: "a whole number",
         float: "a number", type(None): "null"}
MARK = chr(0xFEFF)  # a byte order mark, decoded
CONFLICT = ("<<<<<<< ", ">>>>>>> ")


def text_of(raw: bytes) -> str:
    r"""The text in the bytes of a file: UTF-8, or UTF-16 or 32 if a byte order mark or the zeros in it say so.

    The mark is dropped, and lines end with "\n". Raises ValueError for bytes of another encoding.
    """
    encoding = json.detect_encoding(raw)
    try:
        text = raw.decode(encoding).removeprefix(MARK)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is 0x{raw[error.start]:02x}, which is not {encoding.upper()}: a program "
                         "has saved it in another encoding") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def as_written(raw: bytes) -> bytes:
    r"""The bytes of a text file as the course writes them, UTF-8 with "\n" and no mark; of other files as they are."""
    try:
        return text_of(raw).encode()
    except ValueError:
        return raw


def read_json(path: str | Path, what: str, *, keys: Mapping[str, type] | None = None, way_out: str = AGAIN
              ) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        what: the file should be, to complete "… is not": "a checkpoint's config".
        keys: names that the object must have, and the types of their values.
        way_out: what to do where it is none.

    Raises ValueError with all of these, and OSError where the file cannot be read.
    """
    return parse(Path(path).read_bytes(), path, what, keys=keys, way_out=way_out)


def read_lines(path: str | Path, what: str, *, keys: Mapping[str, type] | None = None, way_out: str = AGAIN,
               skip: bool = False) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines, one a line; arguments and errors as in `read_json`.

    A last line without its end is left out where it is not whole: a kill, or a full disk, came in the middle of it.
    With `skip` so is any line that is none, and letters of another encoding become U+FFFD.
    """
    raw = Path(path).read_bytes()
    try:
        text = text_of(raw)
    except ValueError as error:
        if not skip:
            raise ValueError(f"{path} is not {what}: {error}; {way_out}") from None
        text = raw.decode(errors="replace")
    lines = text.split("\n")  # splitlines() would split within texts, too: at U+2028, U+0085 and others
    if not _is_whole(lines[-1]):
        lines.pop()
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(parse(line, f"{path}, line {number},", what, keys=keys, way_out=way_out))
            except ValueError:
                if not skip:
                    raise
    return found


def parse(raw: bytes | str, name: str | Path, what: str, *, keys: Mapping[str, type] | None = None,
          way_out: str = AGAIN) -> dict[str, Any]:
    """The object in the text `raw` of a file called `name`; the rest as in `read_json`."""
    try:
        text = text_of(raw) if isinstance(raw, bytes) else raw
        if not text.strip("\0 \n\t"):
            raise ValueError("it is empty")
        value = _loads(text)
        if not isinstance(value, dict):
            raise ValueError(f"it holds {KINDS[type(value)]}, where {KINDS[dict]} belongs")
        require(value, keys or {})
    except ValueError as error:
        raise ValueError(f"{name} is not {what}: {error}; {way_out}") from None
    return value


def require(value: Mapping[str, Any], keys: Mapping[str, type]) -> None:
    """Raise ValueError unless the object has these keys, each with a value of its type; 1 passes for a float."""
    for key, kind in keys.items():
        if key not in value:
            raise ValueError(f'it has no "{key}"')
        if not isinstance(value[key], (int, float) if kind is float else kind):
            raise ValueError(f'its "{key}" is {KINDS[type(value[key])]}, where {KINDS[kind]} belongs')


def _is_whole(line):
    try:
        _loads(line)
    except ValueError:
        return False
    return True


def _loads(text):
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        if any(line.startswith(CONFLICT) for line in text.split("\n")):
            raise ValueError("git has left the marks of a conflict in it, <<<<<<< and >>>>>>>") from None
        raise ValueError(f"it is not JSON: {error}") from None
