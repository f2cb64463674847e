"""Which text a run reads, and through which tokenizer: what is asked for or, to go on, what it began with."""

from dataclasses import dataclass
from pathlib import Path

from course_lib.text.corpora import Corpus, load_corpus
from course_lib.text.prepare import read_note

DATA, TOKENIZER, VOCAB_SIZE = "storyworld", "bpe", 1536  # if nothing else is asked for


@dataclass(frozen=True)
class TextOfRun:
    """A corpus, and what `prepare` is told to make of it."""

    corpus: Corpus
    tokenizer: str
    vocab_size: int


def new_text(data: str | None = None, tokenizer: str | None = None, vocab_size: int | None = None,
             min_chars: int | None = None) -> TextOfRun:
    """For a run that begins. `min_chars` is how much of a generated text to generate."""
    data = data or DATA
    if min_chars is not None and data != "storyworld":
        raise ValueError(f"min_chars={min_chars} is for a text that is generated: storyworld, not {data}")
    corpus = load_corpus(data, **({} if min_chars is None else {"min_chars": min_chars}))
    return TextOfRun(corpus, tokenizer or TOKENIZER, VOCAB_SIZE if vocab_size is None else vocab_size)


def same_text(ids: Path, data: str | None = None, tokenizer: str | None = None, vocab_size: int | None = None,
              min_chars: int | None = None) -> TextOfRun:
    """For a run that goes on: what its folder `ids` was made from. What is not None is compared with it.

    Another text has another bar, and the run's score would be compared with the wrong one. Raises ValueError that
    says both values.
    """
    note = read_note(ids)
    began, options = note["made_from"], note["options"]
    asked = {"data": (data, began.get("corpus")), "tokenizer": (tokenizer, began.get("tokenizer")),
             "vocab-size": (vocab_size, began.get("vocab_size")), "min-chars": (min_chars, options.get("min_chars"))}
    for name, (here, there) in asked.items():
        if here is not None and here != there:
            raise ValueError(f"--{name} is {here} here, and the run in {ids.parent} began with {there or 'none'}; "
                             "leave it out to go on, or begin another run, in another --out or, in place of this one, "
                             "with --fresh")
    return TextOfRun(load_corpus(began.get("corpus"), **options), began.get("tokenizer"),
                     began.get("vocab_size", VOCAB_SIZE))
