"""Every door that takes texts: one or several, and such as UTF-8 can hold. Used by lesson 01 (tokens) and all later."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path


def as_texts(texts: str | Iterable[str], what: str = "texts") -> Iterable[str]:
    """The texts one by one; a lone text counts as a list of one, and is never taken apart into its letters.

    A sequence is looked through at once, anything else, such as a stream larger than the memory, as it is read.
    Raises ValueError for what is no text, and says where it is.
    """
    if isinstance(texts, str):
        return [texts]
    if isinstance(texts, bytes | bytearray | Mapping | Path) or not isinstance(texts, Iterable):
        raise ValueError(f"{what} must be a text or several, not {_shown(texts)}{_way_out(texts)}")
    return list(_checked(texts, what)) if isinstance(texts, Sequence) else CheckedTexts(texts, what)


class CheckedTexts:
    """Texts that are checked while they are read; as often as what they come from can be read."""

    def __init__(self, texts: Iterable[str], what: str):
        self.texts, self.what = texts, what

    def __iter__(self) -> Iterator[str]:
        return _checked(self.texts, self.what)


def as_list(values: object, what: str, kind: type | tuple[type, ...] = str) -> list:
    """The same rule for short lists (names, folders, stop texts): a lone value of this kind is a list of one."""
    if isinstance(values, kind):
        return [values]
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"{what}={_shown(values)} must be one of them or a list")
    found = list(values)
    for place, value in enumerate(found):
        if not isinstance(value, kind):
            raise ValueError(f"{what}[{place}] is {_shown(value)}, which cannot stand in this list")
    return found


def clean(text: str) -> str:
    """`text` as UTF-8 can hold it: a pair of surrogates becomes its character, a lone one U+FFFD.

    ValueError for what is no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"{_shown(text)} is not a text{_way_out(text)}; several are taken one by one")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def utf8(text: str) -> bytes:
    """The bytes of `clean(text)`: those that tokenizers read, so those that a share of a text is counted in."""
    return clean(text).encode()


def _checked(texts, what):
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{what}[{place}] is {_shown(text)}, not a text{_way_out(text)}")
        yield text


def _shown(value):
    shown = repr(value)
    return f"{shown if len(shown) <= 40 else shown[:40] + ' …'} ({type(value).__name__})"


def _way_out(value):
    if isinstance(value, bytes | bytearray):
        return "; decode() the bytes first"
    if isinstance(value, Path):
        return "; read it first: path.read_text(encoding='utf-8')"
    return "; give its values()" if isinstance(value, Mapping) else ""
