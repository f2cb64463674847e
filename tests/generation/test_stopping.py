"""Stop texts: against looking at the whole text, for every way to cut it into tokens."""

import random

import pytest
import torch

from course_lib.generation.generate import generate
from course_lib.generation.stopping import TextReader, complete, read_texts
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer


def cut_by_hand(text, stops):
    """(text before the stop that ends first, that stop); of those that end there, the longest."""
    for end in range(len(text) + 1):
        if at_end := [stop for stop in stops if text[:end].endswith(stop)]:
            longest = max(at_end, key=lambda stop: len(stop.encode()))
            return text[:end - len(longest)], longest
    return text, None


@pytest.mark.parametrize("letters", ["ab", "aé中"])
def test_every_cutting_stops_at_the_same_place(letters):
    rng, found = random.Random(0), 0
    for _ in range(600):
        text = "".join(rng.choices(letters, k=rng.randint(0, 9)))
        stops = ["".join(rng.choices(letters, k=rng.randint(1, 4))) for _ in range(rng.randint(0, 3))]
        data, reader, pieces = text.encode(), TextReader(stops), []
        while data:
            n = rng.randint(1, 4)
            pieces.append(reader.feed(data[:n]))
            data = data[n:]
            before, stop = cut_by_hand(text, stops)
            assert before.startswith("".join(pieces))
        pieces.append(reader.end())
        assert ("".join(pieces), reader.found) == (before if text else "", stop if text else None)
        found += reader.found is not None
    assert 100 < found < 500


def test_text_waits_only_while_it_must():
    reader = TextReader(["\n\nQ:", "\nStop"])
    assert [reader.feed(piece) for piece in (b"Yes.\n", b"\nNo", b"\n", b"\n", b"\n", b"Q", b": A")] == [
        "Yes.", "\n\nNo", "", "", "\n", "", ""]
    assert reader.found == "\n\nQ:" and reader.feed(b"more") == "" == reader.end()


def test_half_a_character_waits():
    reader = TextReader()
    assert [reader.feed(b"\xe4\xb8"), reader.feed(b"\xada"), reader.feed(b"\xff\xe4"), reader.end()] == [
        "", "中a", "\ufffd", "\ufffd"]


@pytest.mark.parametrize("stop_texts", ["", [""], ["a", ""]])
def test_doors(stop_texts):
    with pytest.raises(ValueError, match="must be texts, none of them empty"):
        TextReader(stop_texts)


def test_each_row_is_silent_after_its_own_end():
    tokenizer = CharTokenizer.train("abcdef")
    end, drawn = tokenizer.end_of_text, []

    def rows():
        for column in zip("abcdef", "fedcba", ["a", "b", end, end, end, end], strict=True):
            drawn.append(column)
            yield torch.tensor([tokenizer.encode(token)[0] if isinstance(token, str) else token for token in column])

    pieces = list(read_texts(rows(), tokenizer, stop_texts=["cd", "dc"], stop_ids=[end]))
    assert pieces == [["a", "f", "a"], ["b", "e", "b"], ["", "", ""], ["", "", ""]] and len(drawn) == 4


def test_what_waits_when_the_ids_end_is_said():
    tokenizer = CharTokenizer.train("abc")
    pieces = list(read_texts(iter([torch.tensor([0]), torch.tensor([1])]), tokenizer, stop_texts=["bc"]))
    assert pieces == [["a"], [""], ["b"]]
    assert list(read_texts(iter([]), tokenizer)) == []


@pytest.fixture(scope="module")
def writer():
    tokenizer = BPETokenizer.train("the cat sat on the mat; the rat sat on the cat. " * 3, 271)
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=64, n_layer=2, n_head=2, n_embd=16))
    for parameter in model.parameters():
        parameter.data.add_(0.5 * torch.randn_like(parameter))
    return model.double().eval(), tokenizer


def test_ragged_prompts_are_completed_as_if_alone(writer):
    model, tokenizer = writer
    prompts = ["the cat", "", "sat on the mat; the"]
    texts = complete(model, tokenizer, prompts, max_new_tokens=30, temperature=0)
    for prompt, text in zip(prompts, texts, strict=True):
        ids = [tokenizer.end_of_text, *tokenizer.encode(prompt)]
        new = generate(model, torch.tensor([ids]), max_new_tokens=30, temperature=0)[0, len(ids):].tolist()
        new = new[:new.index(tokenizer.end_of_text)] if tokenizer.end_of_text in new else new
        assert text == tokenizer.decode(new) and text


def test_completions_stop_at_texts(writer):
    model, tokenizer = writer
    prompts = ["the cat", "on"]
    free = complete(model, tokenizer, prompts, max_new_tokens=30, temperature=0)
    stops = [free[0][5:8], free[1][9:11]]
    cut = complete(model, tokenizer, prompts, max_new_tokens=30, temperature=0, stop_texts=stops)
    assert cut == [cut_by_hand(text, stops)[0] for text in free]
    assert complete(model, tokenizer, prompts, max_new_tokens=0) == ["", ""]
