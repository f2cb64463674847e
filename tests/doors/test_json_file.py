"""Every file of JSON that the course reads, after every kind of harm that editors, git and shells do to files."""

import ast
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from course_lib.classroom.authoring.lesson_checks import same_checks
from course_lib.classroom.checking import checks
from course_lib.classroom.grading import folders, release
from course_lib.classroom.grading.intake.reading import read_cells
from course_lib.cli.samples import read_samples
from course_lib.doors.json_file import as_written, read_lines
from course_lib.lab import results
from course_lib.lab.public_checks import NoChecks, read_checks
from course_lib.lab.widgets.training import Dashboard
from course_lib.model.config import GPTConfig, baseline_tiny
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import load_gpt2
from course_lib.text.corpora import Corpus
from course_lib.text.prepare import prepare, read_note
from course_lib.text.token_file import TokenFile, header_path, write_ids
from course_lib.text.tokenizer import BPETokenizer, load_tokenizer
from course_lib.training.checkpoint import cut_metrics, load_checkpoint, read_config, save_checkpoint
from course_lib.training.disk import CheckpointError
from course_lib.training.run_folder import find_checkpoint
from tools import record_run

HARMLESS = {  # what it does → the bytes that are left; all say what was written
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16 of PowerShell": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "line ends of old Macs": lambda text: text.replace("\n", "\r").encode(),
    "all at once": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
}
HARM = {  # what is left of the file or, in a diary, of a line → what the message says
    b"": "it is empty",
    b"\0\0\0\0\0\0": "",
    b"[1, 2]": "it holds a list, where an object",
    b"null": "it holds null",
    b"3": "it holds a whole number",
    b"0.5": "it holds a number",
    b'"text"': "it holds text",
    b"true": "it holds true or false",
    b"{": "it is not JSON",
    b"{}": "it has no ",
    b"{'kind': 1}": "it is not JSON",
    '{"name": "caf\u00e9"}'.encode("latin-1"): "byte 13 is 0xe9, which is not UTF-8",
    '{"name": "\u4e2d"}'.encode("gbk"): "which is not UTF-8",
    b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n": "the marks of a conflict",
    b'{"a": ' * 200_000: "it is nested too deeply",
    b"<!DOCTYPE html><html></html>": "it is not JSON",
    b"version https://git-lfs.github.com/spec/v1\n": "it is not JSON",
}
QUIET = object()  # a door that has an answer instead of a message


def model():
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=257, context_length=4, n_layer=1, n_head=1, n_embd=8))


def checkpoint(folder):
    return save_checkpoint(folder / "run", model=model(), tokenizer=BPETokenizer([]), step=2,
                           metrics=b'{"step": 1, "loss": 2.5, "seconds": 0.5}\n{"step": 2, "loss": 2, "seconds": 1}\n')


def write(path, value, *, lines=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(one) + "\n" for one in value) if lines else json.dumps(value, indent=1) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def of_gpt2(folder):
    ours = baseline_tiny(11, n_layer=1, n_head=1, n_embd=8, context_length=4)
    with torch.no_grad():
        weights = {name: torch.zeros(shape) for name, shape in {
            "wte.weight": (11, 8), "wpe.weight": (4, 8), "ln_f.weight": (8,), "ln_f.bias": (8,),
            "h.0.ln_1.weight": (8,), "h.0.ln_1.bias": (8,), "h.0.ln_2.weight": (8,), "h.0.ln_2.bias": (8,),
            "h.0.attn.c_attn.weight": (8, 24), "h.0.attn.c_attn.bias": (24,), "h.0.attn.c_proj.weight": (8, 8),
            "h.0.attn.c_proj.bias": (8,), "h.0.mlp.c_fc.weight": (8, 32), "h.0.mlp.c_fc.bias": (32,),
            "h.0.mlp.c_proj.weight": (32, 8), "h.0.mlp.c_proj.bias": (8,)}.items()}
    save_file(weights, folder / "model.safetensors")
    values = {"vocab_size": 11, "n_positions": 4, "n_layer": 1, "n_head": 1, "n_embd": 8, "layer_norm_epsilon": 1e-5}
    return write(folder / "config.json", values), lambda: load_gpt2(folder).config == ours


def of_ids(folder):
    path = write_ids(folder / "a.bin", ["hello"], BPETokenizer([])).path
    return header_path(path), lambda: TokenFile.open(path)


def of_tokenizer(folder):
    BPETokenizer.train("hello hello\n", 260).save(folder / "tokenizer.json")
    return folder / "tokenizer.json", lambda: load_tokenizer(folder / "tokenizer.json").merges


def prepared(folder):
    corpus = Corpus(name="toy", description="", source="", licence="", documents=[f"red kite {i}" for i in range(60)])
    prepare(corpus, folder / "ids", vocab_size=270)
    return corpus


def of_note(folder):
    prepared(folder)
    return folder / "ids" / "made_from.json", lambda: read_note(folder / "ids")


def of_prepared_tokenizer(folder):
    corpus = prepared(folder)
    return folder / "ids" / "tokenizer.json", lambda: prepare(corpus, folder / "ids", vocab_size=270).train


def of_config(folder):
    saved = checkpoint(folder)
    return saved / "config.json", lambda: read_config(saved)


def of_saved_tokenizer(folder):
    saved = checkpoint(folder)
    return saved / "tokenizer.json", lambda: load_checkpoint(saved).tokenizer.vocab_size


def of_saved_metrics(folder):
    saved = checkpoint(folder)
    return saved / "metrics.jsonl", lambda: (cut_metrics(load_checkpoint(saved)) / "metrics.jsonl").read_bytes()


def of_metrics(folder):
    records = [{"step": step, "loss": 2.5 / step, "seconds": 0.1 * step} for step in (1, 2, 3)]
    return write(folder / "metrics.jsonl", records, lines=True), lambda: Dashboard.replay(folder).records


def of_samples(folder, read=lambda folder: Dashboard.replay(folder).samples):
    of_metrics(folder)
    texts = [{"step": 1, "text": "a \u2028 line \u0085 that \x0b goes on"}, {"step": 2, "text": "caf\u00e9 \u732b"}]
    return write(folder / "samples.jsonl", texts, lines=True), lambda: read(folder)


def of_kept_samples(folder):
    return of_samples(folder, read_samples)


def of_results(folder):
    row = dict(lesson="12", model="GPT", corpus="toy", parameters=3, tokens=4, seconds=1.5, bits_per_byte=0.5)
    rows = [row | {"lesson": f"{number:02}"} for number in (1, 2)]
    return write(folder / "work" / "results.jsonl", rows, lines=True), results.load_results


def of_checks(folder):
    path = write(folder / "checks.json", {"format": 1, "lesson": "91_x", "exercises": {"91.1": {"title": "caf\u00e9"}}})
    return path, lambda: read_checks(path)


def of_same_checks(folder):
    wanted = {"format": 1, "exercises": {"91.1": {"title": "caf\u00e9"}}}
    path = write(folder / "checks.json", wanted)
    return path, lambda: same_checks(wanted, path)


def of_notebook(folder):
    cell = {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "answer-91-1"}}, "source": "x = 1\ny = 2"}
    path = write(folder / "solutions" / "91_x" / "91_x.ipynb", {"cells": [cell], "metadata": {}, "nbformat": 4})
    record = {"folder": folder / "exercises" / "91_x", "number": "91.1"}
    return path, lambda: checks._worked_answer(record)


def of_grading(folder):
    path = write(folder / "receipt.json", {"received": "2026-01-01T12:00:00", "notes": ["caf\u00e9"]})
    return path, lambda: folders.read_json(path, received=str)


def of_release(folder):
    path = write(folder / "checks.json", {"a": ["caf\u00e9", {"b": "c"}]})
    return path, lambda: sorted(release._strings(path))


def of_recorded_config(folder):
    write(folder / "metrics.jsonl", [{"step": 1, "loss": 2.5, "seconds": 1.5}], lines=True)
    path = write(folder / "config.json", {"training": {"device": "cpu", "threads": 1}})

    def read():
        shutil.rmtree(folder / "kept", ignore_errors=True)
        record_run.record(folder, folder / "kept")
        return (folder / "kept" / "metrics.jsonl").read_bytes()

    return path, read


def of_recorded_metrics(folder):
    _, read = of_recorded_config(folder)
    return folder / "metrics.jsonl", read


# Where the reader is called → the files that are read there; a door may have an answer where others have a message.
DOORS = {
    "course_lib.model.pretrained.load_gpt2": [(of_gpt2, None)],
    "course_lib.text.token_file._read_header": [(of_ids, None)],
    "course_lib.text.vocabulary.read_fields": [(of_tokenizer, None)],
    "course_lib.text.prepare.read_note": [(of_note, None)],
    "course_lib.text.prepare._marks": [(of_prepared_tokenizer, None)],
    "course_lib.training.checkpoint.read_config": [(of_config, None)],
    "course_lib.training.checkpoint.read_file": [(of_saved_tokenizer, None), (of_saved_metrics, None)],
    "course_lib.lab.results.load_results": [(of_results, QUIET)],
    "course_lib.lab.public_checks._read": [(of_checks, None)],
    "course_lib.lab.widgets.training.replay": [(of_metrics, None), (of_samples, None)],
    "course_lib.classroom.checking.checks._worked_answer": [(of_notebook, None)],
    "course_lib.classroom.authoring.lesson_checks.same_checks": [(of_same_checks, QUIET)],
    "course_lib.classroom.grading.folders.read_json": [(of_grading, QUIET)],
    "course_lib.classroom.grading.release._strings": [(of_release, None)],
    "course_lib.cli.samples.read_samples": [(of_kept_samples, None)],
    "tools.record_run.record": [(of_recorded_config, None), (of_recorded_metrics, None)],
}
# These take any text, and are tried below: a submission, a line that names a checkpoint.
OTHER_DOORS = {"course_lib.classroom.grading.intake.reading._text",
               "course_lib.classroom.grading.records._kept_result",  # whatever is none is told in its student's row
               "course_lib.training.disk.read_pointer"}
# What is parsed elsewhere: nothing that lay on a disk, or what must be judged with its own hands.
NOT_FILES = {
    "course_lib.doors.json_file._loads": "the reader itself",
    "course_lib.training.identity.differences": "values in memory, made plain",
    "course_lib.classroom.authoring.lesson_checks.same_checks": "values in memory, made plain",
    "course_lib.classroom.grading.sandbox.messages._read": "lines from a box, bad ones left out",
    "course_lib.classroom.grading.sandbox.rounds.read": "what a batch kept; whatever is none is run again",
    "course_lib.classroom.grading.intake.apart.read_safely": "what a helper printed a moment ago",
    "course_lib.classroom.grading.intake.apart.main": "what the grader sent a moment ago",
    "benchmarks.grading.main": "what a process of the benchmark printed a moment ago",
    "benchmarks.grading.make_class": "a notebook in memory, copied",
    "course_lib.classroom.grading.sandbox.inside.main": "lines from the grader",
    "course_lib.classroom.grading.sandbox.forks.in_fork": "lines of its own child",
    "course_lib.classroom.grading.intake.reading.read_cells": "submissions, of which every fault has its own message",
    "course_lib.doctor.kernel.ask_kernel": "what a kernel printed a moment ago",
    "course_lib.doctor.kernel._here": "what this process printed a moment ago",
    "tools.pythons.find_python": "what an interpreter printed a moment ago",
    "tools.environment.read_stamp": "the set-up's own note; whatever is none is made anew",
}
READER = {"read_json", "read_lines", "parse", "text_of", "as_written"}

LINES = (of_metrics, of_samples, of_kept_samples, of_results, of_recorded_metrics, of_saved_metrics)

SINGLE = [pytest.param(make, quiet, id=f"{place.rpartition('.')[2]}-{make.__name__}")
          for place, found in DOORS.items() for make, quiet in found]


@pytest.fixture(autouse=True)
def own_course(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    monkeypatch.delenv("COURSE_HEADLESS", raising=False)
    monkeypatch.setattr(results, "course_root", lambda: tmp_path)


def calls(repository):
    """(place, called) for each call in the package and the tools: place is module.function, called as it is written."""
    for path in sorted([*repository.glob("course_lib/**/*.py"), *repository.glob("tools/*.py"),
                        *repository.glob("benchmarks/*.py")]):
        module = ".".join(path.relative_to(repository).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in ast.walk(tree)
                 if isinstance(node, ast.ImportFrom) for alias in node.names}
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                holders = [f for f in functions if f.lineno <= node.lineno <= f.end_lineno]
                inner = max(holders, key=lambda f: f.lineno).name if holders else "(module)"
                first, _, rest = ast.unparse(node.func).partition(".")
                yield f"{module}.{inner}", ".".join(filter(None, (names.get(first, first), rest))), node


def test_nobody_reads_json_but_the_reader(repository):
    found = {place for place, called, _ in calls(repository)
             if called in ("json.load", "json.loads", "json.JSONDecoder", "json.decoder.JSONDecoder")}
    assert found == set(NOT_FILES), "read files with course_lib.doors.json_file"


def test_every_door_is_tried(repository):
    found = {place for place, called, _ in calls(repository)
             if called.startswith("course_lib.doors.json_file.") and called.rpartition(".")[2] in READER}
    assert found == set(DOORS) | OTHER_DOORS


def test_what_is_written_is_utf_8_with_one_kind_of_line_end(repository):
    odd = []
    for place, called, node in calls(repository):
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        mode = next((text for text in texts if isinstance(text, str) and text in ("w", "a", "x", "wt", "at", "r+")), "")
        ours = called == "course_lib.doors.files.write_text"  # which says both
        writes = called.endswith(".write_text") and not ours or called.rpartition(".")[2] == "open" and mode
        if writes and place.startswith(("course_lib.", "tools.")):
            if not (words.get("encoding") == "'utf-8'" and words.get("newline") in ("'\\n'", "''")):
                odd.append(f"{place}, line {node.lineno}")
    assert odd == [], 'say encoding="utf-8", newline="\\n": Windows has other defaults'


@pytest.mark.parametrize("harmless", HARMLESS)
@pytest.mark.parametrize("make, quiet", SINGLE)
def test_what_changes_no_word_changes_nothing(tmp_path, make, quiet, harmless):
    path, read = make(tmp_path)
    text, expected = path.read_bytes().decode(), read()
    assert expected, "the door is open"
    path.write_bytes(HARMLESS[harmless](text))
    assert path.read_bytes() != text.encode() and read() == expected


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: str(harm[:20]))
@pytest.mark.parametrize("make, quiet", [case for case in SINGLE if case.values[0] not in LINES])
def test_what_cannot_be_read_is_named(tmp_path, make, quiet, harm):
    path, read = make(tmp_path)
    path.write_bytes(harm)
    if quiet is QUIET:
        assert not read()
        return
    if (make, harm) == (of_release, b"{}"):  # an object it is, and every object may go along
        return
    with pytest.raises((ValueError, CheckpointError, NoChecks)) as refusal:
        read()
    message = str(refusal.value)
    assert path.name in message and "\n" not in message and ";" in message and len(message) < 600, message
    if make is not of_saved_tokenizer and (harm != b"{}" or make not in (of_gpt2, of_ids)):
        assert HARM[harm] in message


@pytest.mark.parametrize("harm", [harm for harm in HARM if harm.strip() and b"\n" not in harm.strip()],
                         ids=lambda harm: str(harm[:20]))
@pytest.mark.parametrize("make, quiet", [case for case in SINGLE if case.values[0] in LINES])
def test_a_line_that_cannot_be_read_is_named(tmp_path, make, quiet, harm):
    path, read = make(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + harm.strip() + b"\n" + b"".join(lines[2:]))
    if quiet is QUIET:
        assert [row["lesson"] for row in read()] == ["01"], "the others stay"
        return
    with pytest.raises((ValueError, CheckpointError)) as refusal:
        read()
    message = str(refusal.value)
    assert path.name in message and "\n" not in message and ";" in message and len(message) < 600, message


@pytest.mark.parametrize("wrong", [None, [], "text", 3, {}])
@pytest.mark.parametrize("section", ["model", "training", "data", "made_with", "files", "step", "format"])
def test_a_section_of_another_type_is_named(tmp_path, section, wrong):
    path, read = of_config(tmp_path)
    values = json.loads(path.read_text())
    if type(wrong) is type(values[section]):
        return
    write(path, values | {section: wrong})
    with pytest.raises(CheckpointError, match=f'config.json is not a checkpoint\'s config: its "{section}" is'):
        read()


@pytest.mark.parametrize("name", ["n_ids", "vocab_size", "end_of_text", "n_documents", "n_bytes", "dtype"])
@pytest.mark.parametrize("wrong", ["3", [3], 2.5, True, -1, {}])
def test_a_header_with_a_value_of_another_type_is_named(tmp_path, name, wrong):
    path, read = of_ids(tmp_path)
    write(path, json.loads(path.read_text()) | {name: wrong})
    with pytest.raises(ValueError, match=f"a.bin.json .*{name}"):
        read()


@pytest.mark.parametrize("wrong", [None, [], 3, {"91.1": None}, {"91.1": []}, {"91.1": {}, "91.2": "text"}])
def test_checks_of_another_type_are_named(tmp_path, wrong):
    path, read = of_checks(tmp_path)
    write(path, {"format": 1, "exercises": wrong})
    with pytest.raises(NoChecks, match="checks.json is damaged: its .* is .*, where an object .* belongs; take it"):
        read()


def test_a_line_that_a_kill_has_cut_is_left_out_and_any_other_is_named(tmp_path):
    path = tmp_path / "lines.jsonl"
    for end in ("", '{"step": 3', '{"step": 3, "text": "caf\u00e9', "{"):
        path.write_text('{"step": 1}\n\n{"step": 2}\n' + end, encoding="utf-8")
        assert read_lines(path, "a diary", keys={"step": int}) == [{"step": 1}, {"step": 2}]
    path.write_text('{"step": 1}\n{"step": 2}')
    assert len(read_lines(path, "a diary")) == 2, "a line without its end, but whole"
    path.write_text('{"step": 1}\n{"step"\n{"step": 3}\n')
    with pytest.raises(ValueError, match="lines.jsonl, line 2, is not a diary: it is not JSON"):
        read_lines(path, "a diary")
    assert read_lines(path, "a diary", skip=True) == [{"step": 1}, {"step": 3}]
    path.write_text('{"step": 1}\n{"step": 1.5}\n')
    with pytest.raises(ValueError, match='is not a diary: its "step" is a number, where a whole number belongs'):
        read_lines(path, "a diary", keys={"step": int})


@pytest.mark.parametrize("harmless", HARMLESS)
def test_a_pointer_saved_by_an_editor_still_points(tmp_path, harmless):
    saved = checkpoint(tmp_path)
    (saved.parent / "latest").write_bytes(HARMLESS[harmless](f"{saved.name}\n"))
    assert find_checkpoint(saved.parent) == saved


@pytest.mark.parametrize("harm", [b"", b"step-\xe9\n", b"null", b"[1]"])
def test_a_pointer_that_names_nothing_says_what_there_is(tmp_path, harm):
    saved = checkpoint(tmp_path)
    (saved.parent / "latest").write_bytes(harm)
    with pytest.raises(CheckpointError, match=f"latest names .* not there; write into it .*{saved.name}"):
        find_checkpoint(saved.parent)


@pytest.mark.parametrize("harmless", HARMLESS)
def test_a_submission_is_read_in_any_encoding(harmless):
    text = json.dumps({"cells": [{"cell_type": "code", "source": "x = 'caf\u00e9'"}]}, ensure_ascii=False, indent=1)
    notes = []
    assert read_cells(HARMLESS[harmless](text), notes)[0].source == "x = 'caf\u00e9'" and notes == []


def test_what_is_no_text_is_left_alone():
    for raw in (b"\x80\x04K\x01.", bytes(np.arange(256, dtype=np.uint8))):
        assert as_written(raw) == raw
