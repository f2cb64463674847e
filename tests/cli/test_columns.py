"""Several models side by side: columns that fit, and a beginning that none of them has seen."""

import pytest

from course_lib.cli.columns import NARROWEST, held_out_beginning, side_by_side, wrapped
from course_lib.lab.plots.fonts import columns_of
from course_lib.text.token_file import write_ids
from course_lib.text.tokenizer import BPETokenizer

DOCUMENTS = ["Once upon a time a child went to the garden and found a kite under a tree there.", "The end."]


@pytest.fixture
def tokenizer():
    return BPETokenizer.train(DOCUMENTS, vocab_size=280)


def run(folder, documents, tokenizer):
    (folder / "ids").mkdir(parents=True)
    write_ids(folder / "ids" / "held_out.bin", documents, tokenizer)
    return folder


def test_the_beginning_is_whole_words_of_the_first_document(tmp_path, tokenizer):
    folder = run(tmp_path / "run", DOCUMENTS, tokenizer)
    assert held_out_beginning(folder, tokenizer, chars=24) == "Once upon a time a child"
    assert held_out_beginning(folder, tokenizer) == "Once upon a time a child went to the", "at most half of it"
    other = run(tmp_path / "other", DOCUMENTS[::-1], tokenizer)
    assert held_out_beginning(other, tokenizer) == "The"
    assert held_out_beginning(run(tmp_path / "word", ["Londonderry"], tokenizer), tokenizer) == "L"


def test_where_nothing_is_held_out_there_is_no_beginning(tmp_path, tokenizer):
    assert held_out_beginning(tmp_path, tokenizer) == ""
    assert held_out_beginning("small", tokenizer) == ""


def test_columns_share_the_width_and_lose_no_word():
    texts = ["word " * 60 + "end", "other\n\nlines\n" + "x" * 70, "风筝在花园里" * 9]
    drawn = side_by_side(["runs/one", "small", "a title that is longer than its column is wide"], texts, width=90)
    lines = drawn.split("\n")
    assert max(map(columns_of, lines)) <= 90 and drawn.count("word") == 60 and "end" in drawn
    assert drawn.count("x") == 70 and sum(drawn.count(c) for c in "风筝在花园里") == 54
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    assert "runs/one" in lines[rule - 1] and "small" in lines[rule - 1] and len(set(lines[rule])) == 2


def test_a_narrow_terminal_gets_one_below_the_other():
    drawn = side_by_side(["a", "b"], ["first", "second"], width=2 * NARROWEST)
    assert drawn == "a\n-\nfirst\n\nb\n-\nsecond"


def test_wrapped_lines_fit():
    for width in (1, 2, 7, 40):
        text = "a bc 日本語 def\n\nghijklmnopqrs"
        lines = list(wrapped(text, max(width, 2)))
        assert max(map(columns_of, lines)) <= max(width, 2)
        assert "".join("".join(lines).split()) == "".join(text.split())
