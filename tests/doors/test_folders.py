"""Folders that cannot be had, at every door: a verdict comes first, an error names the folder and says what to do."""

import ast
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from course_lib.classroom import check, hint, solution
from course_lib.classroom.authoring.lesson_checks import checks_of, dump
from course_lib.classroom.authoring.skeleton import new_exercise
from course_lib.classroom.checking.start import start
from course_lib.classroom.grading.folders import Folders
from course_lib.cli.run import claim
from course_lib.cli.samples import read_samples
from course_lib.doctor import doctor, report
from course_lib.doors import folders
from course_lib.doors.folders import FolderError, cache_folder, course_root, data_folders, make_folder, work_folder
from course_lib.lab import attempts
from course_lib.lab.course_map import CourseMap
from course_lib.lab.public_checks import NoChecks, load_checks
from course_lib.lab.results import load_results, record_result
from course_lib.lab.standing_table import StandingTable
from course_lib.lab.widgets.training import Dashboard
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import load_gpt2
from course_lib.text.corpora import Corpus
from course_lib.text.download import Download, DownloadError, fetch, locate
from course_lib.text.fineweb import find_shards
from course_lib.text.prepare import prepare
from course_lib.text.token_file import TokenFile, write_ids
from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.disk import CheckpointError
from course_lib.training.pretrained import export_checkpoint
from course_lib.training.run_folder import append_record, find_checkpoint, open_run

POSIX = hasattr(os, "geteuid")
SAID = (ValueError, OSError, CheckpointError, DownloadError, NoChecks)  # what a door may raise, with words of ours
WAYS = ["a file in the way", *(["not writable", "not readable", "deleted under one's feet"] if POSIX else [])]
ITEM = Download(name="a.txt", url="http://127.0.0.1:9/a.txt", size=3, sha256="0" * 64, licence="none",
                substitute="the corpus pydoc")
ROW = dict(lesson="01", model="m", corpus="c", parameters=1, tokens=1, seconds=1.0, bits_per_byte=1.0)
CORPUS = Corpus(name="x", description="", source="", licence="", documents=["one text", "another text", "a third"] * 9)
TOKENIZER = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz ")


def right(x):
    return x / x.sum()


@contextlib.contextmanager
def ordinary_account():
    """Permission bits bind everybody but root, as whom containers run: then be nobody for a while."""
    if POSIX and os.geteuid() == 0:
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


@pytest.fixture
def ground(monkeypatch):
    """A folder that everybody may enter, left again at the end, with nothing of the environment in force."""
    for name in ("COURSE_WORK", "COURSE_CACHE", "COURSE_DATA", "COURSE_HEADLESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(attempts, "TOLD", set())
    before, folder = Path.cwd(), Path(tempfile.mkdtemp(prefix="course-folders-"))
    folder.chmod(0o755)
    yield folder
    os.chdir(before)
    for place, _, _ in os.walk(folder):
        os.chmod(place, 0o755)
    shutil.rmtree(folder)


@pytest.fixture
def course(ground, monkeypatch):
    """A course with the exercise 01.1 (`shares`), into which nobody may write but its owner."""
    root = ground / "course"
    cells, _ = new_exercise(root, "01.1", "shares", "Shares")
    (root / "notebooks").mkdir()
    (root / "exercises" / "01_tokens").mkdir(parents=True)
    (root / "exercises" / "01_tokens" / "checks.json").write_text(dump(checks_of(cells).public()), encoding="utf-8")
    (root / "exercises" / "01_tokens" / "01_tokens.ipynb").write_text("{}")
    monkeypatch.setattr(folders, "__file__", str(root / "course_lib" / "doors" / "folders.py"))
    monkeypatch.chdir(ground)
    assert course_root() == root
    return root


@pytest.fixture(params=WAYS)
def place(request, ground, course):
    """A folder that cannot be had, and, while the test runs, an account for which that is so."""
    if request.param == "a file in the way":
        (ground / "file").write_text("x")
        yield ground / "file" / "folder"
    elif request.param == "deleted under one's feet":
        (ground / "gone").mkdir()
        os.chdir(ground / "gone")
        (ground / "gone").rmdir()
        yield Path("folder")
    else:
        (ground / "others" / "folder").mkdir(parents=True)
        (ground / "others" / "folder" / "config.json").write_text("{}")
        (ground / "others" / "folder").chmod(0o555 if request.param == "not writable" else 0o000)
        with ordinary_account():
            yield ground / "others" / "folder"


def gpt():
    return GPT(GPTConfig(vocab_size=TOKENIZER.vocab_size, context_length=8, n_layer=1, n_head=1, n_embd=8))


# Doors that write; then those that only read.
WRITE = {
    "start": lambda place: start("01"),
    "fetch": lambda place: fetch(ITEM),
    "open_run": open_run,
    "append_record": lambda place: append_record(place, {"step": 1}),
    "save_checkpoint": lambda place: save_checkpoint(place, model=gpt(), tokenizer=TOKENIZER),
    "export_checkpoint": lambda place: export_checkpoint(RUN.folder, place, which="latest"),
    "prepare": lambda place: prepare(CORPUS, place, tokenizer="char"),
    "write_ids": lambda place: write_ids(place / "train.bin", ["abc"], TOKENIZER),
    "grading": lambda place: Folders(place).private,
    "make_folder": lambda place: make_folder(place, way_out="choose another folder"),
}
READ = {
    "standing table": lambda place: StandingTable(),
    "course map": lambda place: CourseMap()._repr_html_(),
    "load_results": lambda place: load_results(),
    "locate": lambda place: locate(ITEM),
    "find_shards": lambda place: find_shards(),
    "find_checkpoint": find_checkpoint,
    "load_checkpoint": load_checkpoint,
    "load_gpt2": load_gpt2,
    "token file": lambda place: TokenFile.open(place / "train.bin"),
    "dashboard": Dashboard.replay,
    "samples": read_samples,
    "claim": lambda place: claim(place, resume=True, fresh=False),
}
RUN = SimpleNamespace(folder=None)


@pytest.fixture(autouse=True, scope="module")
def run(tmp_path_factory):
    """A run to be exported: readable by everybody, wherever pytest keeps its folders."""
    with tempfile.TemporaryDirectory(prefix="course-run-") as folder:
        os.chmod(folder, 0o755)
        RUN.folder = Path(folder) / "run"
        save_checkpoint(RUN.folder, model=gpt(), tokenizer=TOKENIZER, training={}, data={})
        torch.testing.assert_close(load_checkpoint(RUN.folder).model.training, False)
        yield


def use(monkeypatch, place):
    for name in ("COURSE_WORK", "COURSE_CACHE", "COURSE_DATA"):
        monkeypatch.setenv(name, str(place))


@pytest.mark.parametrize("door", WRITE)
def test_who_must_write_says_where_it_could_not_and_what_to_do(door, place, monkeypatch):
    use(monkeypatch, place)
    with pytest.raises(SAID) as error:
        WRITE[door](place)
    message = str(error.value)
    assert place.name in message and "\n" not in message and "Errno" not in message, message
    assert any(word in message for word in ("set COURSE_", "let COURSE_", "choose ", "another folder", "name a course"))


@pytest.mark.parametrize("door", READ)
def test_who_reads_goes_on_or_says_what_is_not_there(door, place, monkeypatch):
    use(monkeypatch, place)
    try:
        READ[door](place)
    except SAID as error:
        message = str(error)
        assert place.name in message and "\n" not in message and "Errno" not in message, message


def test_a_verdict_comes_before_any_trouble_and_trouble_is_told_once(place, monkeypatch, capsys):
    use(monkeypatch, place)
    check("01.1", right)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "01.1 correct" and len(said) == 2
    assert "progress could not be saved" in said[1] and place.name in said[1] and "set COURSE_WORK to" in said[1]
    check("01.1", lambda x: x / x.mean())
    hint("01.1")
    solution("01.1")
    heard = capsys.readouterr().out
    assert "this is a share of the mean" in heard and "01.1 hint 1 of 3" in heard and "opens after 3 more" in heard
    assert "could not be saved" not in heard
    assert record_result(**ROW)["lesson"] == "01"
    assert "could not be kept" in (heard := capsys.readouterr().out) and "set COURSE_WORK" in heard


def test_a_course_that_is_read_only(course, monkeypatch, capsys):
    """Without COURSE_WORK: as a teacher shares one course with a whole class."""
    for folder, _, _ in os.walk(course):
        os.chmod(folder, 0o555)
    if POSIX:
        with ordinary_account():
            check("01.1", right)
            with pytest.raises(FolderError, match="COURSE_WORK"):
                start("01")
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "01.1 correct" and str(course / "work") in said[1] and "COURSE_WORK" in said[1]
    assert not (course / "work").exists()


def test_progress_can_be_read_where_it_cannot_be_written(course, ground, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(ground / "mine"))
    check("01.1", right)
    os.chmod(ground / "mine" / "progress.sqlite", 0o444)
    os.chmod(ground / "mine", 0o555)
    with ordinary_account():
        assert attempts.standing("01.1").passed


def test_the_doctor_reports_every_way(place, monkeypatch):
    monkeypatch.setattr("course_lib.doctor.kernel.kernel", lambda: [])
    use(monkeypatch, place)
    text = report(doctor())
    assert "COURSE_WORK" in text and "COURSE_CACHE" in text


FOREIGN = ["", "{", "[]", "null", "3", '{"checks": []}', '{"format": 1, "exercises": []}', "\udcff",
           '{"format": 9, "exercises": {}}', '{"format": 1, "exercises": {"01.1": "x"}}']


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("where", ["above", "here", "in exercises/"])
def test_a_foreign_checks_json_is_passed_over_and_named(course, ground, monkeypatch, text, where):
    inner = ground / "a" / "b"
    inner.mkdir(parents=True)
    folder = {"above": ground, "here": inner, "in exercises/": inner / "exercises" / "01_mine"}[where]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checks.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    monkeypatch.chdir(inner)
    assert load_checks("01.1")["function"] == "shares"
    with pytest.raises(NoChecks, match="there is no exercise 01.9") as error:
        load_checks("01.9")
    assert str(folder) in str(error.value)


def test_a_checks_json_that_one_may_not_read_is_passed_over(course, ground):
    (ground / "checks.json").write_text(json.dumps({"format": 1, "exercises": {}}))
    os.chmod(ground / "checks.json", 0o000)
    (ground / "folder").mkdir()
    os.chdir(ground / "folder")
    with ordinary_account():
        assert load_checks("01.1")["function"] == "shares"


@pytest.mark.parametrize("variable", ["COURSE_WORK", "COURSE_CACHE", "COURSE_DATA"])
def test_each_variable_may_begin_with_a_tilde(ground, monkeypatch, variable):
    monkeypatch.setenv("HOME", str(ground))
    monkeypatch.setenv("USERPROFILE", str(ground))
    monkeypatch.setenv(variable, "~/mine")
    found = {"COURSE_WORK": work_folder, "COURSE_CACHE": cache_folder, "COURSE_DATA": lambda: data_folders()[0]}
    assert found[variable]() == ground / "mine" and not (ground / "mine").exists()


def test_an_account_without_a_home(course, ground, monkeypatch, capsys):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it does where nobody knows of a home
    assert work_folder() == course / "work" and cache_folder() == course / "work" / "cache"
    assert find_shards() == [] and locate(ITEM) is None
    check("01.1", right)
    assert capsys.readouterr().out == "01.1 correct\n"
    monkeypatch.setenv("COURSE_WORK", "~/mine")
    monkeypatch.setattr(attempts, "TOLD", set())
    check("01.1", right)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "01.1 correct" and "COURSE_WORK=~/mine needs your home folder" in said[1]
    assert not (ground / "~").exists()


@pytest.mark.skipif(not POSIX, reason="Windows lets nobody delete the folder that one is in")
def test_a_folder_that_was_deleted_under_a_whole_process(ground, repository):
    """As under a notebook's kernel; torch is imported before, for in such a folder it cannot be used at all."""
    code = ("import os, torch\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
            "from course_lib.classroom import check\n"
            "check('07.1', lambda *a: torch.ones(300, 300) @ torch.ones(300, 300))\n"
            "from course_lib.cli import main\nmain(['doctor'])")
    environment = os.environ | {"PYTHONPATH": str(repository), "COURSE_WORK": str(ground / "work")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ground, env=environment, capture_output=True,
                          encoding="utf-8", timeout=300)
    assert done.stdout.startswith("07.1 not yet: ") and "could not be saved" not in done.stdout, done.stderr
    assert done.returncode == 2 and done.stderr == (
        "course: the folder that you are in was deleted; change into another one, then try again\n")


def test_a_package_without_a_course_works_from_where_one_is(ground, monkeypatch):
    monkeypatch.setattr(folders, "__file__", str(ground / "site-packages" / "course_lib" / "doors" / "folders.py"))
    monkeypatch.chdir(ground)
    assert course_root() == ground
    (ground / "x" / "notebooks").mkdir(parents=True)
    (ground / "x" / "y").mkdir()
    monkeypatch.chdir(ground / "x" / "y")
    assert course_root() == ground / "x"


def test_folders_are_made_and_named_in_one_place(repository):
    """Nobody else makes a folder, asks for the current one or for a home, or reads the variables that name folders.

    The exceptions hold files of grading, which runs where the instructor is, and of a checkpoint within its run.
    """
    mine = {"mkdir", "makedirs", "cwd", "getcwd", "home", "expanduser"}
    allowed = {("classroom/grading/collect.py", "mkdir"), ("classroom/grading/folders.py", "mkdir"),
               ("classroom/grading/sandbox/cgroup.py", "mkdir"), ("classroom/checking/kept_state.py", "getcwd"),
               ("classroom/checking/kept_state.py", "expanduser"),
               ("training/run_folder.py", "mkdir"), ("doors/folders.py", "mkdir"), ("doors/folders.py", "cwd"),
               ("doors/folders.py", "expanduser")}
    found = set()
    for path in sorted((repository / "course_lib").rglob("*.py")):
        name = path.relative_to(repository / "course_lib").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in mine:
                found.add((name, node.attr))
            if isinstance(node, ast.Constant) and node.value in ("COURSE_WORK", "COURSE_CACHE", "COURSE_DATA"):
                found.add((name, node.value))
    allowed |= {("classroom/authoring/execute.py", "COURSE_WORK")}  # for those who execute what they build
    settings = {("doors/folders.py", name) for name in ("COURSE_WORK", "COURSE_CACHE", "COURSE_DATA")}
    told = {(name, what) for name, what in found if name.startswith("doctor/") or name.endswith("bubblewrap.py")}
    assert found - told == allowed | settings


def test_nobody_asks_what_is_there_in_a_way_that_raises(repository):
    """Before Python 3.14 Path.is_file, is_dir and exists raise where one may not look; os.path's do not.

    Authors and graders work in folders of their own.
    """
    found = []
    for path in sorted((repository / "course_lib").rglob("*.py")):
        name = path.relative_to(repository / "course_lib").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
                if node.func.attr in ("is_file", "is_dir", "exists") and "/authoring/" not in name:
                    found.append(f"{name}:{node.lineno}: os.path.{node.func.attr.replace('_', '')}(path) instead")
    assert [line for line in found if not line.startswith("classroom/grading/")] == []
