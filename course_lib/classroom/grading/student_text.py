r"""The one door for text that students wrote. Part of grading; no lesson derives it.

Names of files and folders, sources of cells, outputs, error messages, keys of a dict, what a box says as it dies: a
student chooses every character of them. A lone surrogate ends whatever writes a file, an escape sequence repaints a
terminal, a bidi mark shows code in another order than it runs, and 84 Chinese letters are too long for a file's name.
So each text passes here, where it comes in, by the use that is made of it:

    stored      code that is to run: as it was written, but for what no file can hold
    legible     for pages, notebooks and tables: what cannot be seen is written as its escape, \u202e
    one_line    the same on one line, cut: for notes, reasons and terminals
    reason      what an exception says, on one line
    file_name   a name for a file or folder: two different names never become the same
"""

import hashlib
import re
import unicodedata

import regex

# Controls, surrogates, formats (bidi marks among them), line ends that only some programs know, code points that are
# no characters, letters without a shape. Joiners and variation selectors belong to emoji, Persian and Hindi.
UNSEEN = regex.compile(
    r"[[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]"
    r"--[\n\t\u200c\u200d\ufe00-\ufe0f]]", regex.V1)
COLOUR = re.compile(r"\x1b\[[0-9;:]{0,40}m")
STACKED = regex.compile(r"(\p{M}{8})\p{M}+")  # a tower of accents covers the lines around it
NOT_IN_NAMES = regex.compile(
    r"(?:[^\p{L}\p{M}\p{N}_.@+-]|\p{Default_Ignorable_Code_Point}|\p{Noncharacter_Code_Point})+")
LONGEST_NAME = 100  # bytes; a file system takes 255, endings included
LONGEST_TEXT = 200_000
LONGEST_LINE = 300
MOST_NOTES = 20
DIGEST = 5  # bytes


def stored(text: object, longest: int = LONGEST_TEXT) -> str:
    """Code that is to run: surrogates become the escapes that mean them, NUL goes, line ends are "\\n"."""
    text = _text(text, longest).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "backslashreplace").decode()


def legible(text: object, longest: int = LONGEST_TEXT) -> str:
    """Text that may stand on a page: colours go, and what cannot be seen is written as its escape."""
    text = COLOUR.sub("", _text(text, longest)).replace("\r\n", "\n")
    text = UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return STACKED.sub(r"\1", text)


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """`legible`, on one line of at most `longest` characters; "…" says that it was cut."""
    text = " ".join(legible(" ".join(_text(text, 10 * longest).split())).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def few(notes: list, most: int = MOST_NOTES) -> list[str]:
    """Notes as `one_line` each, each once, and not more than `most`."""
    lines = list(dict.fromkeys(one_line(note) for note in notes[: 10 * most]))
    left = len(lines) - most + max(0, len(notes) - 10 * most)
    return [*lines[:most], f"and {left} more notes"] if left > 0 else lines


def reason(error: BaseException, longest: int = LONGEST_LINE) -> str:
    """An exception as one line: its type, and what it says, if it can say it."""
    try:
        says = one_line(error, longest)
    except Exception:  # an exception whose own text raises
        says = ""
    return f"{type(error).__name__}: {says}" if says else type(error).__name__


def file_name(text: str, *, key: str | None = None) -> str:
    """A name for a file or folder: letters, digits, - _ . @ +; at most LONGEST_NAME bytes, and no way out of a folder.

    A name that is all that already stays as it is. Any other gets "~" and a digest of all of it, so that "Ann Lee" is
    not "Ann-Lee", and two names that are alike in their first hundred letters are two. With a `key` it is a digest of
    the key, and every name gets it.
    """
    made = NOT_IN_NAMES.sub("-", unicodedata.normalize("NFC", text)).strip("-.+@")
    if key is None and made and made == text and len(made.encode()) <= LONGEST_NAME:
        return made
    raw = (text if key is None else key).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(raw, digest_size=DIGEST).hexdigest()
    return f"{cut(made, LONGEST_NAME - len(digest) - 1) or 'unnamed'}~{digest}"


def cut(text: str, longest: int) -> str:
    """The beginning of a text, at most so many bytes of UTF-8 and no half letter."""
    return text.encode("utf-8", "backslashreplace")[:longest].decode(errors="ignore").rstrip("-.")


def _text(value, longest):
    return (value if isinstance(value, str) else str(value))[:longest]
