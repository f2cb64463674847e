"""The texts of the course, each with its origin, its licence and one fixed split. Used by lesson 12 (gpt).

All but shakespeare are generated or already on the machine: no network, no download, nothing to agree to.
"""

import hashlib
import inspect
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from course_lib.doors.settings import plain
from course_lib.text.download import TINY_SHAKESPEARE, fetch
from course_lib.text.place_names import place_names
from course_lib.text.pydoc_text import pydoc_documents
from course_lib.text.python_source import PythonSource
from course_lib.text.texts import CheckedTexts, as_texts, clean, utf8
from course_lib.worlds.storyworld import stories

HELD_OUT = 10  # one document in so many


@dataclass(frozen=True)
class Split:
    """Documents to learn from and documents to be judged on; lists, or lazy where the corpus is.

    held_out_log_probs: where the corpus knows its source exactly, log p of each held-out document in nats (its
    end included), in the order of held_out. Their mean is what no model can do better than.
    """

    train: Iterable[str]
    held_out: Iterable[str]
    held_out_log_probs: list[float] | None = None

    def __post_init__(self):
        object.__setattr__(self, "train", as_texts(self.train, "train"))
        object.__setattr__(self, "held_out", as_texts(self.held_out, "held_out"))


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A text in documents, in a fixed order. Make one with `load_corpus`."""

    name: str
    description: str
    source: str
    licence: str
    documents: Iterable[str] = field(repr=False)  # a list; where that would be too large, something to iterate over
    log_probs: Sequence[float] | None = field(default=None, repr=False)  # nats, one a document, where it is known
    last_tenth: bool = False  # hold out the last tenth of the characters, not a tenth of the documents
    options: dict = field(default_factory=dict, repr=False)  # with which `load_corpus` makes it again

    def __post_init__(self):
        object.__setattr__(self, "documents", as_texts(self.documents, "documents"))

    def split(self) -> Split:
        """The same split on every machine and in every run: a document's own hash decides where it belongs.

        So equal documents are never on both sides, and a corpus that grows keeps its split. (The end of a text is
        not like the rest of it, which makes "the last 10 %" a poor sample. Only shakespeare is cut so, because its
        published figures are.)
        """
        if self.last_tenth:
            text = "".join(self.documents)
            cut = int(0.9 * len(text))
            return Split([text[:cut]], [text[cut:]])
        train, held_out = Part(self.documents, False), Part(self.documents, True)
        if not isinstance(self.documents, Sequence):
            return Split(train, held_out)
        known = None
        if self.log_probs is not None:
            known = [p for text, p in zip(self.documents, self.log_probs, strict=True) if is_held_out(text)]
        return Split(list(train), list(held_out), known)

    def manifest(self) -> dict:
        """What exactly this text is: name, source, licence, documents, chars, sha256, Python version.

        Numbers measured on corpora with the same sha256 may be compared. It is the hash of the documents in UTF-8,
        joined by null bytes. Reads the whole corpus once.
        """
        sha256, chars, n = hashlib.sha256(), 0, 0
        for text in self.documents:
            sha256.update((b"\0" if n else b"") + utf8(text))
            chars, n = chars + len(clean(text)), n + 1
        return {"name": self.name, "source": self.source, "licence": self.licence, "documents": n, "chars": chars,
                "sha256": sha256.hexdigest(), "python": platform.python_version()}

    def identity(self) -> dict:
        """What must be equal for what is derived from two corpora to be equal; plain values.

        Name, split, and what is there: documents, chars and sha256, or what lazy documents say of themselves.
        """
        source = self.documents.texts if isinstance(self.documents, CheckedTexts) else self.documents
        own = getattr(source, "identity", None)
        there = own() if own else {name: value for name, value in self.manifest().items()
                                   if name in ("documents", "chars", "sha256")}
        split = "the last tenth" if self.last_tenth else "a tenth of the documents"
        return {"corpus": self.name, "held_out": split, **there}


@dataclass(frozen=True)
class Part:
    """One side of a split, as lazy as its documents: it chooses while it is iterated over."""

    documents: Iterable[str]
    held_out: bool

    def __iter__(self) -> Iterator[str]:
        return (text for text in as_texts(self.documents, "documents") if is_held_out(text) == self.held_out)


def is_held_out(text: str) -> bool:
    """Whether a document belongs to the held-out tenth, by its sha256."""
    digest = hashlib.sha256(utf8(text)).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT == 0


@dataclass(frozen=True)
class Entry:
    """A corpus that can be loaded: what it is, and how."""

    description: str
    source: str
    licence: str
    load: Callable[..., dict]  # options -> those fields of the Corpus that have to be made


def load_corpus(name: str, **options) -> Corpus:
    """The corpus of that name. ValueError lists the names; shakespeare may raise DownloadError.

    Options: storyworld takes seed, n (stories) and min_chars; python_source takes folders and max_chars.
    """
    if name not in CORPORA:
        raise ValueError(f"there is no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    entry = CORPORA[name]
    known = inspect.signature(entry.load)
    if unknown := sorted(set(options) - set(known.parameters)):
        raise ValueError(f"{name} has no {', '.join(unknown)}; it has {', '.join(known.parameters) or 'no options'}")
    all_of_them = known.bind(**{option: _plain(option, value) for option, value in options.items()})
    all_of_them.apply_defaults()
    return Corpus(name=name, description=entry.description, source=entry.source, licence=entry.licence,
                  options=all_of_them.kwargs, **entry.load(**all_of_them.kwargs))


def _plain(option, value):
    if option == "folders":
        return None if value is None else [str(folder) for folder in value]
    return plain(option, value, int | None)


def _storyworld(*, seed: int = 0, n: int | None = None, min_chars: int = 3_200_000) -> dict:
    documents, log_probs = [], []
    for story in stories(seed=seed, n=n, min_chars=min_chars if n is None else None):
        documents.append(story.text)
        log_probs.append(story.log_prob)
    return {"documents": documents, "log_probs": log_probs}


def _python_source(*, folders: list[str] | None = None, max_chars: int | None = None) -> dict:
    return {"documents": PythonSource(folders, max_chars)}


def _shakespeare() -> dict:
    return {"documents": [fetch(TINY_SHAKESPEARE).read_bytes().decode()], "last_tenth": True}


CORPORA = {
    "storyworld": Entry("short stories whose every fact is consistent and whose entropy is known exactly",
                        "generated by course_lib.worlds.storyworld", "MIT, as the course", _storyworld),
    "pydoc": Entry("help topics and docstrings of the running Python: real prose, about 2 MB",
                   "pydoc_data.topics and the standard library's docstrings", "PSF-2.0",
                   lambda: {"documents": pydoc_documents()}),
    "place_names": Entry("15 thousand words from place names in 200 languages, a to z",
                         "Unicode CLDR, as it comes with Babel", "Unicode-3.0",
                         lambda: {"documents": place_names()}),
    "python_source": Entry("source code of the installed packages, never in memory: for GPU scale",
                           "the .py files in site-packages", "each package's own",
                           _python_source),
    "shakespeare": Entry("tiny shakespeare, 1.1 MB, downloaded or from COURSE_DATA: for comparison",
                         TINY_SHAKESPEARE.url, TINY_SHAKESPEARE.licence, _shakespeare),
}
