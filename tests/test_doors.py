"""Every door of the package that takes texts or ids keeps the same rules. The doors are found by their signatures, so
that a new one cannot be forgotten: it has to be entered here.
"""

import importlib
import inspect
import math
import re

import numpy as np
import pytest
import torch

from course_lib.byhand import bar
from course_lib.byhand import functional as F
from course_lib.byhand.autograd import Tensor
from course_lib.byhand.counts import count_ngrams
from course_lib.byhand.interpolation import Interpolated, components_of
from course_lib.byhand.mlp import MLPLanguageModel, context_windows
from course_lib.byhand.ngram import NGram
from course_lib.cli import run
from course_lib.generation import beam, penalties, sampling, speculative, stopping
from course_lib.generation.automaton import from_texts
from course_lib.generation.constrained import TokenAutomaton
from course_lib.generation.generate import checked_stops, generate, left_pad, stream
from course_lib.generation.numpy_decoder import NumpyDecoder
from course_lib.generation.pattern import from_pattern
from course_lib.generation.static_cache import GreedyDecoder
from course_lib.lab import scoreboard
from course_lib.lab.widgets.merge_steps import start
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.kv_cache import KVCache
from course_lib.text.bpe import Merger, learn_merges
from course_lib.text.corpora import Corpus, Part, Split, is_held_out
from course_lib.text.dataset import TokenDataset, document_windows, sequential_windows
from course_lib.text.pretokenize import chunks, count_pretokens
from course_lib.text.python_source import PythonSource, SeenLines
from course_lib.text.texts import CheckedTexts, as_texts, clean, utf8
from course_lib.text.token_file import write_ids
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer
from course_lib.training import evaluate
from course_lib.training.config import TrainConfig
from course_lib.training.evaluate import Score
from course_lib.training.loss import bits_per_byte, next_token_loss
from course_lib.training.trainer import Trainer
from tests.test_reading_order import READING_ORDER

LETTERS = CharTokenizer.train("abcdefgh \ufffd😀")
BYTES = BPETokenizer.train("abcdef abc", 259)
V = LETTERS.vocab_size


def make_model(vocab_size=V, **changes):
    torch.manual_seed(0)
    sizes = dict(vocab_size=vocab_size, context_length=32, n_layer=1, n_head=2, n_embd=8)
    return GPT(GPTConfig(**sizes | changes)).eval()


def corpus(documents):
    return Corpus(name="x", description="d", source="s", licence="l", documents=documents)


def written(tmp_path, documents):
    file = write_ids(tmp_path / "x.bin", documents, LETTERS)
    return file.ids.tolist(), file.n_documents, file.n_bytes


def completed(prompts, **options):
    return stopping.complete(make_model(), LETTERS, prompts, max_new_tokens=9, temperature=0, **options)


def stopped(reader):
    return reader.feed(utf8("aabac\ufffdbc")) + reader.end(), reader.found


def source(folders):
    return [path.name for path in PythonSource(folders).folders]


# module.door.parameter → what the door says to a value (and tmp_path). "folders" are given folders, the rest texts.
TEXT_DOORS = {
    "text.texts.as_texts.texts": lambda texts, at: list(as_texts(texts)),
    "text.python_source.PythonSource.folders": lambda folders, at: source(folders),
    "text.corpora.Split.train": lambda texts, at: list(Split(texts, []).train),
    "text.corpora.Split.held_out": lambda texts, at: list(Split([], texts).held_out),
    "text.corpora.Corpus.documents": lambda texts, at: corpus(texts).manifest(),
    "text.corpora.Part.documents": lambda texts, at: list(Part(texts, is_held_out("ab"))),
    "text.pretokenize.count_pretokens.texts": lambda texts, at: count_pretokens(texts),
    "text.vocabulary.Tokenizer.encode.allow_special": lambda names, at: CharTokenizer(
        "abc", ["a\ufffdb"]).encode("a\ufffdb", allow_special=names),
    "text.vocabulary.Tokenizer.special_tokens": lambda names, at: CharTokenizer("a", names).special_tokens,
    "text.tokenizer.CharTokenizer.special_tokens": lambda names, at: CharTokenizer("a", names).special_tokens,
    "text.tokenizer.CharTokenizer.train.special_tokens": lambda names, at: CharTokenizer.train(
        "a", names).special_tokens,
    "text.tokenizer.CharTokenizer.train.texts": lambda texts, at: CharTokenizer.train(texts).characters,
    "text.tokenizer.BPETokenizer.special_tokens": lambda names, at: BPETokenizer([], names).special_tokens,
    "text.tokenizer.BPETokenizer.train.special_tokens": lambda names, at: BPETokenizer.train(
        "a", 257, names).special_tokens,
    "text.tokenizer.BPETokenizer.train.texts": lambda texts, at: BPETokenizer.train(texts, 258).merges,
    "text.token_file.write_ids.documents": lambda texts, at: written(at, texts),
    "byhand.bar.byte_ids.documents": lambda texts, at: bar.byte_ids(texts).tolist(),
    "byhand.bar.n_bytes.documents": lambda texts, at: bar.n_bytes(texts),
    "byhand.bar.ngram_bits.train": lambda texts, at: bar.ngram_bits(texts, ["ab"], [1, 2]),
    "byhand.bar.ngram_bits.held_out": lambda texts, at: bar.ngram_bits(["abab"], texts, [1, 2]),
    "training.evaluate.document_nats.documents": lambda texts, at: evaluate.document_nats(
        make_model(), LETTERS, texts, context_length=8).tolist(),
    "generation.automaton.from_texts.texts": lambda texts, at: from_texts(texts),
    "generation.stopping.TextReader.stop_texts": lambda texts, at: stopped(stopping.TextReader(texts)),
    "generation.stopping.read_texts.stop_texts": lambda texts, at: list(stopping.read_texts(
        torch.tensor([LETTERS.encode("aa\ufffdba")]).T, LETTERS, stop_texts=texts)),
    "generation.stopping.complete.prompts": lambda texts, at: completed(texts),
    "generation.stopping.complete.stop_texts": lambda texts, at: completed(["a"], stop_texts=texts),
    "lab.scoreboard.model_bits.held_out": lambda texts, at: scoreboard.model_bits(make_model(), LETTERS, texts),
    "lab.scoreboard.source_bits.held_out": lambda texts, at: scoreboard.source_bits([-3.0], texts),
    "cli.run.beginning.documents": lambda texts, at: list(run.beginning(texts, 100)),
}
NO_TEXT_DOORS = {"text.texts.CheckedTexts.texts": "what `as_texts` makes of streams",
                 "training.autocast_list.functions.names": "names of functions, written beside it"}
# Doors that take one text; and those above, which take it as a list of one.
ONE_TEXT = {
    "chunks": lambda text: list(chunks(text)),
    "Tokenizer.encode": lambda text: BYTES.encode(text),
    "CharTokenizer.encode": lambda text: LETTERS.encode(text),
    "CharTokenizer": lambda text: CharTokenizer("xyz" + text[1:-1]).characters,
    "is_held_out": is_held_out,
    "learn_merges": lambda text: learn_merges({text: 2}, 3),
    "Merger.encode": lambda text: Merger(BYTES.merges).encode(text),
    "SeenLines": lambda text: SeenLines()._places(text * 20),
    "Automaton.matches": lambda text: from_texts([clean(text)]).matches(text),
    "from_pattern": lambda text: from_pattern(f"{text}|[b{text[1:-1]}]+"),
    "merge_steps.start": start,
}
LIST_OF_TEXTS = re.compile(r"(Iterable|Sequence|Collection|list)\[(str|pathlib)")
LIST_OF_IDS = re.compile(r"(Iterable|Sequence|Collection|list)\[(int|collections.abc.Sequence\[int)")
PACKAGES = ("text.", "byhand.", "model.", "training.", "generation.", "lab.scoreboard", "cli.run")


def doors(pattern):
    """module.function.parameter of everything public with a parameter of such a type."""
    for name in (name for name in READING_ORDER if name.startswith(PACKAGES)):
        module = importlib.import_module(f"course_lib.{name}")
        for public, value in vars(module).items():
            if getattr(value, "__module__", None) != module.__name__ or public.startswith("_"):
                continue
            members = {public: value}
            if inspect.isclass(value):
                members |= {f"{public}.{method}": getattr(value, method) for method in vars(value)
                            if not method.startswith("_") and callable(getattr(value, method))}
            for door, function in members.items():
                try:
                    parameters = inspect.signature(function).parameters.values()
                except (TypeError, ValueError):  # a constant, or a class without a constructor of its own
                    continue
                for parameter in parameters:
                    if pattern.search(str(parameter.annotation)):
                        yield f"{name}.{door}.{parameter.name}"


def test_every_door_for_texts_is_known():
    assert set(doors(LIST_OF_TEXTS)) == set(TEXT_DOORS) | set(NO_TEXT_DOORS)


@pytest.mark.filterwarnings("ignore:the text supports only")
@pytest.mark.parametrize("door", TEXT_DOORS)
def test_one_text_is_a_list_of_one(door, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ab").mkdir()
    text = "a\ufffdb" if door.endswith("allow_special") else "ab"
    assert TEXT_DOORS[door](text, tmp_path) == TEXT_DOORS[door]([text], tmp_path)
    if door.split(".")[-1] not in ("allow_special", "special_tokens", "stop_texts", "folders"):
        assert TEXT_DOORS[door](iter([text]), tmp_path) == TEXT_DOORS[door]([text], tmp_path)  # a stream, too


@pytest.mark.parametrize("door", TEXT_DOORS)
@pytest.mark.parametrize("wrong", [b"ab", 7, ["ab", 7], ["ab", None], [b"ab"]], ids=repr)
def test_what_is_no_text_is_named(door, wrong, tmp_path):
    with pytest.raises(ValueError, match=r"7 \(int\)|b'ab'|None|there is no folder ab"):
        TEXT_DOORS[door](wrong, tmp_path)


@pytest.mark.filterwarnings("ignore:the text supports only")
@pytest.mark.parametrize(("broken", "repaired"), [("a\ud800b", "a\ufffdb"), ("a\ud83d\ude00b", "a😀b")], ids=ascii)
@pytest.mark.parametrize("door", [door for door in TEXT_DOORS if not door.endswith(("folders", "allow_special"))])
def test_surrogates_are_repaired_and_counted_like_the_tokenizer_does(door, broken, repaired, tmp_path):
    found, expected = (TEXT_DOORS[door]([text], tmp_path) for text in (broken, repaired))
    passes_on = ("as_texts.texts", "Split.train", "Split.held_out", "Part.documents", "beginning.documents")
    if door.endswith(passes_on):  # these hand on what they get
        found = eval(ascii(found).replace(ascii(broken), ascii(repaired)))
    if door.endswith("TextReader.stop_texts"):
        found = (found[0], None if found[1] is None else clean(found[1]))
    assert found == expected


@pytest.mark.parametrize(("broken", "repaired"), [("a\ud800b", "a\ufffdb"), ("a\ud83d\ude00b", "a😀b")], ids=ascii)
@pytest.mark.parametrize("door", ONE_TEXT)
def test_surrogates_are_repaired_in_one_text(door, broken, repaired):
    assert ONE_TEXT[door](broken) == ONE_TEXT[door](repaired)


# ---- ids that are none

NGRAMS = NGram.fit([0, 1, 2, 1, 0, 2, 1], 2, V)
MIXED = Interpolated.fit_weights(NGRAMS, [0, 1])
MLP = MLPLanguageModel(V, 2, 3, 4, generator=np.random.default_rng(0))
LOGITS = np.zeros((2, V))


def tensor(ids):
    return ids if isinstance(ids, torch.Tensor) else torch.as_tensor(np.asarray(ids))[None]


def numpy_step(ids):
    model, cache = make_model(), KVCache(make_model().config, 1)
    with torch.no_grad():
        model(torch.tensor([[1]]), cache=cache)
    return NumpyDecoder(model, cache).step(np.asarray(ids)[:1])


def trained(idx, targets):
    class Data:
        batch_size, context_length, world_size = 1, 2, 1

        def __iter__(self):
            return iter([(np.asarray(idx)[None], np.asarray(targets)[None])])

    config = TrainConfig(max_steps=1, batch_size=1, device="cpu", dtype="float32", warmup_steps=0)
    return Trainer(make_model(), Data(), config).train_step()


def texts_automaton():
    return TokenAutomaton.from_tokenizer(from_texts(["ab"]), LETTERS)


ID_DOORS = {  # those that know V: refuse -1, V, fractions, truth values; and two axes where there is one
    "text.vocabulary.Tokenizer.decode_bytes.ids": LETTERS.decode_bytes,
    "text.vocabulary.Tokenizer.decode.ids": LETTERS.decode,
    "byhand.counts.count_ngrams.ids": lambda ids: count_ngrams(ids, 1, V),
    "byhand.ngram.NGram.fit.ids": lambda ids: NGram.fit(ids, 1, V),
    "byhand.ngram.NGram.log_probs.ids": NGRAMS.log_probs,
    "byhand.ngram.NGram.probs.context": NGRAMS.probs,
    "byhand.ngram.NGram.by_order.ids": lambda ids: list(NGRAMS.by_order(ids)),
    "byhand.ngram.NGram.probs_by_order.context": lambda ids: list(NGRAMS.probs_by_order(ids)),
    "byhand.ngram.NGram.sample.context": lambda ids: NGRAMS.sample(1, ids, generator=np.random.default_rng(0)),
    "byhand.interpolation.Interpolated.fit_weights.held_out": lambda ids: Interpolated.fit_weights(NGRAMS, ids),
    "byhand.interpolation.Interpolated.log_probs.ids": MIXED.log_probs,
    "byhand.interpolation.Interpolated.probs.context": MIXED.probs,
    "byhand.interpolation.components_of.ids": lambda ids: components_of(NGRAMS, ids),
    "generation.generate.stream.stop_ids": lambda ids: stream(
        make_model(), torch.tensor([[1]]), max_new_tokens=1, stop_ids=ids),
    "generation.beam.beam_search.prompt": lambda ids: beam.beam_search(
        beam.next_log_probs(make_model()), ids, n_beam=1, max_new_tokens=1),
    "generation.constrained.TokenAutomaton.read.ids": lambda ids: texts_automaton().read(
        [*LETTERS.encode("a"), *(one for one in ids if one not in (0, 1))]),
    "generation.speculative.accept.ids": lambda ids: speculative.accept(
        ids, torch.full((2, V), 1 / V), torch.full((3, V), 1 / V)),
    "generation.speculative.speculate.prompt": lambda ids: speculative.speculate(
        make_model(), make_model(), ids, max_new_tokens=1),
    "generation.speculative.speculate.stop_ids": lambda ids: speculative.speculate(
        make_model(), make_model(), [1], max_new_tokens=1, stop_ids=ids),
}
ARRAY_DOORS = {  # the same for arrays and tensors, which no annotation tells from other arrays
    "cross_entropy": lambda ids: F.cross_entropy(LOGITS, np.asarray(ids)),
    "cross_entropy_backward": lambda ids: F.cross_entropy_backward(1.0, LOGITS, np.asarray(ids)),
    "embedding": lambda ids: F.embedding(np.asarray(ids), LOGITS.T),
    "embedding_backward": lambda ids: F.embedding_backward(np.zeros((2, 2)), np.asarray(ids), LOGITS.T),
    "MLPLanguageModel.forward": lambda ids: MLP.forward(np.asarray(ids)[None]),
    "MLPLanguageModel.nats": lambda ids: MLP.nats(np.zeros((2, 2), int), np.asarray(ids)),
    "GPT.forward": lambda ids: make_model()(tensor(ids)),
    "next_token_loss": lambda ids: next_token_loss(torch.zeros(1, 2, V), tensor(ids)),
    "target_nats": lambda ids: evaluate.target_nats(make_model(), np.zeros((1, 2), int), np.asarray(ids)[None]),
    "Trainer, idx": lambda ids: trained(ids, [0, 0]),
    "Trainer, targets": lambda ids: trained([0, 0], ids),
    "generate": lambda ids: generate(make_model(), tensor(ids), max_new_tokens=1),
    "GreedyDecoder": lambda ids: GreedyDecoder(make_model(), 1, max_length=4)(tensor(ids), max_new_tokens=1),
    "NumpyDecoder.step": lambda ids: numpy_step(ids),
    "count_tokens": lambda ids: penalties.count_tokens(tensor(ids), V),
}
FLOOR_DOORS = {  # those that do not know V: everything but an id that is too large
    "byhand.mlp.context_windows.words": lambda ids: context_windows([ids], 2, 0),
    "generation.generate.left_pad.prompts": lambda ids: left_pad([ids]),
    "generation.beam.beam_search.stop_ids": lambda ids: beam.beam_search(
        beam.next_log_probs(make_model()), [1], n_beam=1, max_new_tokens=1, stop_ids=ids),
    "generation.stopping.read_texts.stop_ids": lambda ids: list(stopping.read_texts(iter([]), LETTERS, stop_ids=ids)),
    "TokenDataset": lambda ids: next(TokenDataset(np.asarray(ids), batch_size=1, context_length=1)),
    "sequential_windows": lambda ids: list(sequential_windows(np.asarray(ids), 1, 4)),
    "document_windows": lambda ids: list(document_windows(
        np.concatenate([np.zeros_like(ids, shape=1), ids, np.zeros_like(ids, shape=1)]), 1, 4, end_of_text=0)),
}
NO_ID_DOORS = {
    "text.long_words.LongWords.repeats": "numbers of occurrences", "byhand.bar.ngram_bits.orders": "orders",
    "byhand.mlp.MLP.widths": "widths", "text.ids.checked_ids.ids": "the rule itself",
    "text.ids.whole_numbers.ids": "the rule itself", "generation.generate.checked_stops.stop_ids": "the rule itself",
    "generation.beam.Hypothesis.ids": "a result", "generation.beam.BeamTree.ids": "a result",
    "generation.beam.BeamTree.parents": "a result", "generation.speculative.Round.ids": "a result",
    "generation.speculative.Reader.read.text": "speculate's own text", "generation.speculative.rounds.text": "as above",
}
NONE = {"negative": [0, -1], "like torch's -100": [-100, 0], "too large": [V, 1], "a fraction": [0.5, 1.0],
        "truth values": [True, False]}


def test_every_door_for_ids_is_known():
    assert set(doors(LIST_OF_IDS)) == {door for door in (ID_DOORS | FLOOR_DOORS) if "." in door} | set(NO_ID_DOORS)


def refused(door, ids):
    """Refused with the number that is none, or its type and place."""
    names = "|".join(re.escape(str(one)) for one in ids if one not in (0, 1)) or "bool|True"
    with pytest.raises(ValueError, match=rf"({names}|float|bool)"):
        door(ids)


def asked(doors, kinds):
    """Each door with each kind of number that is none. In a list Python's True and False are whole numbers."""
    lists = ("decode.ids", "decode_bytes.ids", "read.ids", "accept.ids", "stop_ids")
    return [(name, kind) for name in doors for kind in kinds if not (kind == "truth values" and name.endswith(lists))]


@pytest.mark.parametrize("name, kind", asked(ID_DOORS | ARRAY_DOORS, NONE))
def test_ids_that_are_none_are_named(name, kind):
    door = ID_DOORS.get(name) or ARRAY_DOORS[name]
    if kind == "negative" and name in ("cross_entropy", "cross_entropy_backward", "next_token_loss", "target_nats",
                                       "Trainer, targets"):
        door([0, -1])  # nothing is asked there
        return
    if kind == "negative" and name == "NumpyDecoder.step":
        refused(door, [-1, 0])
        return
    refused(door, NONE[kind])


@pytest.mark.parametrize("name, kind", asked(FLOOR_DOORS, [kind for kind in NONE if kind != "too large"]))
def test_where_the_vocabulary_is_not_known_the_rest_is_refused(name, kind):
    refused(FLOOR_DOORS[name], NONE[kind])


@pytest.mark.parametrize("name", [name for name in ID_DOORS if "stop_ids" not in name and "accept" not in name
                                  and "TokenAutomaton" not in name])
def test_two_axes_are_not_counted_as_one(name):
    with pytest.raises(ValueError, match=r"shape \(2, 2\)|axis|rows"):
        ID_DOORS[name](np.array([[0, 1], [1, 0]]))


def test_a_lone_id_or_prompt_is_a_list_of_one():
    assert checked_stops(3) == checked_stops([3]) == {3}
    for alone, listed in zip(left_pad([3, 4]), left_pad([[3, 4]]), strict=True):
        assert alone.tolist() == listed.tolist()


def test_an_autograd_index_may_be_any_of_numpys():
    x = Tensor(np.arange(4.0))
    x[-1].backward()
    x[1:3].sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1]


# ---- what is no distribution, and nothing to divide by

NAN, INF = math.nan, math.inf
NO_DISTRIBUTION = {"nan": [0.0, NAN, 1.0], "+inf": [0.0, INF, 1.0], "nothing possible": [-INF] * 3}
DRAWING = {
    "sample_next": lambda row: sampling.sample_next(row),
    "sample_next, greedy": lambda row: sampling.sample_next(row, temperature=0),
    "sample_next, cold": lambda row: sampling.sample_next(row, temperature=1e-38),
    **{f"next_probs, {name}": (lambda row, name=name, value=value: sampling.next_probs(row, **{name: value}))
       for name, value in dict(temperature=0.5, top_k=2, top_p=0.9, min_p=0.1, typical_p=0.9).items()},
    "stream": lambda row: list(stream(odd_model(row), torch.tensor([[0]]), max_new_tokens=1)),
    "stream, adjusted": lambda row: list(stream(make_model(3), torch.tensor([[0]]), max_new_tokens=1, temperature=0,
                                                adjust=lambda logits, idx: logits + row)),
    "stream, on a GPU": lambda row: list(as_on_a_gpu(odd_model(row), 40)),
    "stream, on a GPU, last": lambda row: list(as_on_a_gpu(odd_model(row), 3)),
    "GreedyDecoder": lambda row: GreedyDecoder(odd_model(row), 1, max_length=8)(torch.tensor([[0]]), max_new_tokens=2),
    "beam_search": lambda row: beam.beam_search(lambda idx: row.expand(len(idx), 3), [0], n_beam=2, max_new_tokens=2),
    "speculate": lambda row: list(speculative.speculate(odd_model(row), make_model(3), [0], max_new_tokens=2)),
    "speculate, draft": lambda row: list(speculative.speculate(make_model(3), odd_model(row), [0], max_new_tokens=2)),
}


def as_on_a_gpu(model, max_new_tokens):
    """The stream, looking as seldom as on a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{generate.__module__}.waits_anyway", lambda idx, stop_ids: False)
        yield from stream(model, torch.tensor([[0]]), max_new_tokens=max_new_tokens)


def odd_model(row):
    model = make_model(3)
    model.register_forward_hook(lambda module, inputs, logits: logits + row)
    return model


@pytest.mark.parametrize("kind", NO_DISTRIBUTION)
@pytest.mark.parametrize("door", DRAWING)
def test_nothing_is_drawn_from_what_is_no_distribution(door, kind):
    with pytest.raises(ValueError, match="no distribution|log-probability|probability 0|nan"):
        DRAWING[door](torch.tensor([NO_DISTRIBUTION[kind]]))


@pytest.mark.parametrize("probs", [[NAN, 1.0], [INF, 0.0], [-0.5, 1.5], [0.0, 0.0]], ids=repr)
def test_nothing_is_drawn_from_what_are_no_probabilities(probs):
    with pytest.raises(ValueError, match="give those of next_probs"):
        speculative.draw(torch.tensor(probs))


@pytest.mark.parametrize("value", [NAN, INF])
@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty",
                                  "frequency_penalty", "presence_penalty", "no_repeat_ngram", "alpha"])
def test_settings_are_numbers(name, value):
    with pytest.raises(ValueError, match=name):
        if name in sampling.RULES:
            sampling.next_probs(torch.zeros(1, 3), **{name: value})
        elif name in penalties.PENALTIES:
            penalties.penalize(torch.zeros(1, 3), torch.tensor([[0, 1]]), **{name: value})
        else:
            beam.beam_search(lambda idx: torch.zeros(1, 3), [0], n_beam=1, max_new_tokens=1, alpha=value)


@pytest.mark.parametrize("cold", [1e-3, 1e-5, 1e-30, 1e-38, 1e-45, 1e-300])
def test_a_very_low_temperature_is_nearly_greedy_and_shares_ties(cold):
    logits = torch.tensor([[1.0, 90.0, -math.inf, 90.0], [5.0, 4.0, 3.0, 2.0]])
    probs = sampling.next_probs(logits, temperature=cold)
    assert probs.tolist() == [[0, 0.5, 0, 0.5], [1, 0, 0, 0]]


@pytest.mark.parametrize(("mean", "says"), [
    (lambda: scoreboard.model_bits(make_model(), LETTERS, []), "n_bytes=0"),
    (lambda: scoreboard.model_bits(make_model(), LETTERS, [""]), "n_bytes=0"),
    (lambda: scoreboard.source_bits([], []), "n=0"),
    (lambda: scoreboard.source_bits([-1.0], [""]), "n=0"),
    (lambda: scoreboard.source_bits([-1.0], ["a", "b"]), "1 log-probabilities for 2 documents"),
    (lambda: bar.ngram_bits(["abc"], [], [1]), "n=0"),
    (lambda: bar.ngram_bits(["abc"], "", [1]), "n=0"),
    (lambda: bar.ngram_bits([], ["abc"], [6]), "order=6 .* not 1"),
    (lambda: bar.perplexity([]), "no text to be surprised by"),
    (lambda: bar.perplexity([-1.0, NAN]), "nan at place 1"),
    (lambda: bar.perplexity([INF]), "inf at place 0"),
    (lambda: bar.bits_per([-1.0, NAN], 2), "nan at place 1"),
    (lambda: bar.bits_per([-1.0], NAN), "n=nan"),
    (lambda: bits_per_byte(NAN, 3), "nats=nan"),
    (lambda: bits_per_byte(1.0, 0), "n_bytes=0"),
    (lambda: Score(0.0, 0, 0).loss, "n_targets=0"),
    (lambda: Score(1.0, 1, 0).bits_per_byte, "n_bytes=0"),
    (lambda: Score(NAN, 1, 1).bits_per_byte, "nats=nan"),
    (lambda: evaluate.score(make_model(), []), "nothing to evaluate"),
    (lambda: evaluate.held_out_loss(odd_model(torch.tensor([NAN, 0, 0])), [(np.zeros((1, 2), int),) * 2]), "nan"),
    (lambda: Tensor(np.zeros((0, 2))).mean(), "no numbers"),
    (lambda: F.mse_loss(np.zeros(0), np.zeros(0)), "no numbers"),
    (lambda: F.binary_cross_entropy_with_logits(np.zeros(0), np.zeros(0)), "no numbers"),
])
def test_there_is_no_mean_of_nothing_and_none_of_what_is_no_number(mean, says):
    with pytest.raises(ValueError, match=says):
        mean()


def test_what_was_thought_impossible_makes_perplexity_infinite():
    assert bar.perplexity([-INF, -1.0]) == INF and bar.bits_per([-INF], 1) == INF


def test_streams_are_read_once_and_checked_while_they_are_read():
    with pytest.raises(ValueError, match=r"documents\[1\] is 7 \(int\)"):
        list(CheckedTexts(iter(["a", 7]), "documents"))
