"""Nothing handed in is lost, nobody becomes another, whatever files and folders are called and hold.

Each class lies in a downloads folder of its own; rows, scores and reasons are looked at. A right softmax gives 3
points, a right running mean 2. No box runs here: which notebook is graded is the question, not what it does.
"""

import io
import json
import os
import unicodedata
import zipfile

import nbformat
import pytest

from course_lib.classroom.grading import batch
from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.student_text import file_name
from course_lib.classroom.grading.tables import write_canvas

QUICK = Limits()
NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
NFC, NFD = (unicodedata.normalize(form, "José Muñoz") for form in ("NFC", "NFD"))


@pytest.fixture
def room(classroom, without_boxes, toy):
    """A classroom; `lay(path, content)` puts a file into the downloads, `scores()` and `graded()` say its worth."""
    answers = ((SOFTMAX, RUNNING), (SOFTMAX,))
    classroom.all, classroom.one = (nbformat.writes(toy(*some)).encode() for some in answers)
    classroom.release = nbformat.writes(toy()).encode()

    def lay(path, content=classroom.all):
        path = os.fsencode(classroom.downloads) + b"/" + (path if isinstance(path, bytes) else path.encode())
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def scores():
        """What was collected, read and rebuilt as grading does it, and the points its answers will have."""
        classroom.told = classroom.collect()
        classroom.heard, found = {}, {}
        for job in batch._jobs(classroom.course, assignment, classroom.course.students(NAME), ([], QUICK, True), blank):
            student = job.student
            classroom.heard[student] = " | ".join([job.unreadable, *job.notes])
            code = [cell["source"] for cell in job.cells if "NotImplementedError" not in cell["source"]]
            found[student] = sum(points for function, points in (("def softmax(", 3), ("def running_mean(", 2))
                                 if any(function in source for source in code))
        assert set(found) == set(classroom.told)
        return found

    def graded():
        """The same with gradebook, table and pages."""
        found = scores()
        without_boxes(classroom)
        results, rows = classroom.grade_all()
        assert found == {student: row.score for student, row in rows.items()}
        assert set(found) == set(results) == set(classroom.table())
        for student in found:
            assert ("UNREADABLE: " in classroom.page(student)) == bool(results[student].unreadable)
        return found

    assignment = load_assignment(classroom.course, NAME)
    blank = batch._Blank(toy(), [])
    classroom.lay, classroom.scores, classroom.graded = lay, scores, graded
    classroom.says = lambda student: classroom.heard[student]
    return classroom


def zipped(files, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content, **options)
    return out.getvalue()


# ---- two students are two --------------------------------------------------------------------------------------------
PAIRS = {
    "a space and a hyphen": ("Ann Lee/", "Ann-Lee/"),
    "two signs": ("Ann*Lee/", "Ann?Lee/"),
    "spaces at the end": ("ann/", "ann /"),
    "dots in front": ("ann/", ".ann/"),
    "emoji": ("😀/", "😁/"),
    "emoji of two letters": ("👩‍👩‍👧/", "👩👩👧/"),
    "only signs": ("!!!/", "???/"),
    "alike in 100 letters": (f"{'a' * 120}1/", f"{'a' * 120}2/"),
    "alike in 80 Chinese letters": (f"{'王' * 80}小明/", f"{'王' * 80}小紅/"),
    "case": ("Ann/", "ann/"),
    "normal forms": (f"{NFC}/", f"{NFD}/"),
    "width": ("ａｎｎ/", "ann/"),
    "a letter that is not seen": ("ann\u3164/", "ann/"),
    "a zero-width joiner": ("a\u200dnn/", "ann/"),
    "bytes that are no text": (b"ann\xff/", b"ann\xfe/"),
    "Canvas, cut before the number": (f"{'x' * 180}_4711_1_", f"{'x' * 180}_4712_2_"),
    "Canvas, the same name": ("doejane_4711_1_", "doejane_4712_2_"),
    "Canvas, one upload for two": ("lab_3_1_ann", "lab_3_1_bob"),
    "Moodle, the same name": ("Jane Doe_4711_assignsubmission_file_/", "Jane Doe_4712_assignsubmission_file_/"),
    "Moodle, one number": ("Ann Lee_4711_assignsubmission_file_/", "Ann-Lee_4711_assignsubmission_file_/"),
    "Moodle and a folder of that name": ("Ann Lee_4711_assignsubmission_file_/", "Ann-Lee_4711/"),
    "Moodle and Canvas": ("ann_4711_assignsubmission_file_/", "ann_4711_9_"),
    "a name that holds Moodle's": (
        "Ann Lee_4711_assignsubmission_file_/", "Ann Lee_4711_assignsubmission_file__66_assignsubmission_file_/"),
    "a file that holds Moodle's": (
        "Ann Lee_4711_assignsubmission_file_/", "evil_66_assignsubmission_file_Ann Lee_4711_assignsubmission_file_"),
    "a Canvas file called as in Moodle": (
        "Ann Lee_4711_assignsubmission_file_/", "evil_66_77_Ann Lee_4711_assignsubmission_file_"),
    "a folder and a file": ("ann/", "ann"),
    "two files that lose the lesson's name": ("ann", f"ann_{NAME}"),
    "a digest that was guessed": ("Ann Lee/", f"{file_name('Ann Lee')}/"),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("order", [1, -1])
def test_two_students_are_two_in_one_download_and_in_two(room, pair, order):
    one, other = (os.fsencode(first) for first in PAIRS[pair][::order])
    file = f"{NAME}.ipynb".encode()
    room.lay(one + file if one.endswith((b"/", b"_")) else one + b".ipynb", room.one)
    room.collect()
    room.lay(other + file if other.endswith((b"/", b"_")) else other + b".ipynb", room.all)
    found = room.scores()
    assert sorted(found.values()) == [3, 5], found
    assert all(len(os.fsencode(f"{student}.json.part")) < 200 for student in found)
    assert room.scores() == found, "the same again"


def test_who_could_be_mistaken_is_told(room):
    for student in ("Ann Lee", "Ann-Lee", "ANN-LEE", "bob"):
        room.lay(f"{student}/{NAME}.ipynb")
    found = room.graded()
    assert len(found) == 4 and found["Ann-Lee"] == found["ANN-LEE"] == found["bob"] == 5
    alike = {student for student in found if "another student's name differs" in room.says(student)}
    assert alike == set(found) - {"bob"}
    assert all("another student's name differs" in room.table()[student]["notes"] for student in alike)


def test_a_platform_s_number_is_found_behind_a_long_name_for_its_grades(room):
    room.lay(f"{'x' * 180}_4711_1_{NAME}.ipynb")
    room.lay(f"evil_66_77_Ann Lee_4711_assignsubmission_file_{NAME}.ipynb")
    room.graded()
    with Book(room.course, load_assignment(room.course, NAME)) as book:
        left = write_canvas(room.course.root / "canvas.csv", NAME, book.rows())
    lines = (room.course.root / "canvas.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[2:]] == ["4711"]
    assert len(left) == 1 and left[0].startswith("evil") and "more than one student" in room.says(left[0])


# ---- nothing is deleted ----------------------------------------------------------------------------------------------
NOTHING = {
    "an empty folder": {},
    "another kind of file": {"ann/answers.pdf": b"%PDF"},
    "a module": {"ann/helper.py": b"x = 1"},
    "a damaged archive": {"ann/work.zip": b"PK\x03\x04" + bytes(50)},
    "an archive without a notebook": {"ann/work.zip": zipped({"readme.txt": "x"})},
    "too large": {f"ann/{NAME}.ipynb": b" " * 50_000_001},
}


@pytest.mark.parametrize("later", NOTHING)
def test_a_later_download_without_a_notebook_deletes_nothing(room, later):
    room.lay(f"ann/{NAME}.ipynb")
    assert room.scores() == {"ann": 5}
    os.remove(room.downloads / "ann" / f"{NAME}.ipynb")
    for path, content in NOTHING[later].items():
        room.lay(path, content)
    assert room.scores() == {"ann": 5}
    assert "the earlier submission stays" in room.told["ann"] and "the earlier submission stays" in room.says("ann")
    assert room.scores() == {"ann": 5}


def test_earlier_versions_are_kept(room):
    for number, content in enumerate((room.one, room.all, room.release)):
        room.lay(f"ann/{NAME}.ipynb", content)
        assert room.scores() == {"ann": (3, 5, 0)[number]}
    kept = room.course.aside("ann", NAME)
    assert [(kept / number / f"{NAME}.ipynb").read_bytes() for number in "12"] == [room.one, room.all]
    assert json.loads((kept / "1" / "receipt.json").read_text())["owner"] == "ann"


def test_of_files_with_one_name_none_replaces_another(room):
    for folder, content in [("a", room.one), ("b", room.all), ("c", room.release)]:
        room.lay(f"ann/{folder}/{NAME}.ipynb", content)
    room.lay(f"ann/2-{NAME}.ipynb", room.one)
    assert room.scores() == {"ann": 5}
    kept = {path.read_bytes() for path in room.course.inbox("ann", NAME).glob("*.ipynb")}
    assert kept == {room.one, room.all, room.release}
    assert len(list(room.course.inbox("ann", NAME).glob("*.ipynb"))) == 4


# ---- which of several files ------------------------------------------------------------------------------------------
SEVERAL = {
    "the release beside a copy": {f"ann/{NAME}.ipynb": "release", f"ann/{NAME} (1).ipynb": "all"},
    "the release beside another name": {f"ann/{NAME}.ipynb": "release", "ann/homework final.ipynb": "all"},
    "the release above a folder": {f"ann/{NAME}.ipynb": "release", f"ann/my work/{NAME}.ipynb": "all"},
    "the release beside an archive": {f"ann/{NAME}.ipynb": "release", "ann/work.zip": zipped({"x.ipynb": "ALL"})},
    "the release and a copy in an archive": {"ann/work.zip": zipped({f"{NAME}.ipynb": "RELEASE", "x.ipynb": "ALL"})},
    "the release beside a module with the answers": {
        f"ann/{NAME}.ipynb": "release", "ann/answers.py": f"{SOFTMAX}\n{RUNNING}".encode()},
    "a first try beside the whole": {f"ann/{NAME}.ipynb": "one", "ann/whole.ipynb": "all"},
    "a damaged one beside a good one": {f"ann/{NAME}.ipynb": b"{", f"ann/{NAME}-Copy1.ipynb": "all"},
    "another lesson's notebook": {"ann/x.ipynb": "all", "ann/91_toy.ipynb": b'{"cells": [{"source": "x"}]}'},
    "Canvas's second attempt": {f"ann_1_9_{NAME}.ipynb": "one", f"ann_1_10_{NAME}-1.ipynb": "all"},
    "Canvas's tenth attempt": {f"ann_1_30_{NAME}-9.ipynb": "one", f"ann_1_31_{NAME}-10.ipynb": "all"},
    "Canvas's later upload of one name": {f"ann_1_99_{NAME}.ipynb": "one", f"ann_LATE_1_100_{NAME}.ipynb": "all"},
    "a second attempt in a folder": {f"ann/{NAME}.ipynb": "one", f"ann/{NAME}-1.ipynb": "all"},
    "a later attempt with fewer answers": {f"ann_1_9_{NAME}.ipynb": "all", f"ann_1_10_{NAME}-1.ipynb": "one"},
    "a later attempt that is the release": {f"ann_1_9_{NAME}.ipynb": "all", f"ann_1_10_{NAME}-1.ipynb": "release"},
    "Moodle's text beside the file": {
        "Ann_1_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
        f"Ann_1_assignsubmission_file_/{NAME}.ipynb": "all"},
}


@pytest.mark.parametrize("case", SEVERAL)
def test_the_answers_are_graded_and_it_says_what_was_not(room, case):
    contents = {"release": room.release, "one": room.one, "all": room.all}
    for number, (path, content) in enumerate(SEVERAL[case].items()):
        if isinstance(content, bytes) and content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = zipped({n: contents[archive.read(n).decode().lower()] for n in archive.namelist()})
        room.lay(path, contents.get(content, content) if isinstance(content, str) else content)
        os.utime(room.downloads / path, (10**9 - number, 10**9 - number))
    (student, score), = room.scores().items()
    assert score == (3 if case == "a later attempt with fewer answers" else 5), room.says(student)
    said = room.says(student)
    if not case.startswith("Moodle"):
        assert "is graded, not" in said or "is not a notebook" in said, said
        assert "attempt" not in case or "earlier attempt" in said or case.endswith("the release"), said


# ---- a row with a reason, never silence ------------------------------------------------------------------------------
def test_a_notebook_among_150_modules_and_six_folders_down(room):
    for number in range(150):
        room.lay(f"ann/a{number:03}.py", b"x = 1")
    room.lay(f"ann/zzz/{NAME}.ipynb")
    room.lay(f"bob/1/2/3/4/5/6/7/{NAME}.ipynb")
    room.lay(f"cid/.ipynb_checkpoints/{NAME}-checkpoint.ipynb")
    room.lay(f"dan/{NAME}.ipynb.txt")
    room.lay(f"eva/node_modules/{'x/' * 48}{NAME}.ipynb")
    assert room.scores() == {"ann": 5, "bob": 5, "cid": 5, "dan": 5, "eva": 5}
    assert "51 of 151 files were left out" in room.says("ann")
    assert "there was no other" in room.says("cid")


def test_a_notebook_counts_before_its_checkpoint(room):
    room.lay(f"ann/.ipynb_checkpoints/{NAME}-checkpoint.ipynb", room.all)
    room.lay(f"ann/{NAME}.ipynb", room.one)
    room.lay(f"bob/__MACOSX/._{NAME}.ipynb", b"\0\x05\x16\x07")
    room.lay(f"bob/._{NAME}.ipynb", b"\0\x05\x16\x07")
    room.lay(f"bob/{NAME}.ipynb")
    assert room.scores() == {"ann": 3, "bob": 5}
    assert room.says("ann") == room.says("bob") == ""


ARCHIVES = {
    "a zip": lambda nb: zipped({f"{NAME}.ipynb": nb}),
    "a zip in a zip": lambda nb: zipped({"work.zip": zipped({f"{NAME}.ipynb": nb})}),
    "a zip in a zip in a zip": lambda nb: zipped({"b.zip": zipped({"a/work.zip": zipped({f"{NAME}.ipynb": nb})})}),
    "absolute paths": lambda nb: zipped({f"/etc/{NAME}.ipynb": nb}),
    "paths that lead out": lambda nb: zipped({f"../../../{NAME}.ipynb": nb, "../../x": "y"}),
    "Windows's paths": lambda nb: zipped({f"C:\\work\\{NAME}.ipynb": nb}),
    "many folders": lambda nb: zipped({f"{'x/' * 200}{NAME}.ipynb": nb}),
    "only a checkpoint": lambda nb: zipped({f".ipynb_checkpoints/{NAME}-checkpoint.ipynb": nb}),
    "names in another encoding": lambda nb: zipped({"99_bung.ipynb": nb}).replace(b"99_bung", b"\xdcbung99"),
    "a bomb beside it": lambda nb: zipped({f"{NAME}.ipynb": nb, "bomb.ipynb": bytes(60_000_000)}),
    "a zip beside it that is none": lambda nb: zipped({f"{NAME}.ipynb": nb, "a.zip": b"PK"}),
    "two thousand other files": lambda nb: zipped({**{f"{n}.txt": "" for n in range(2000)}, f"{NAME}.ipynb": nb}),
    "one name twice": lambda nb: zipped({f"{NAME}.ipync": "{", f"{NAME}.ipynb": nb}).replace(b".ipync", b".ipynb"),
}
NONE = {
    "names that are not the UTF-8 they say": lambda nb: zipped({"ü.ipynb": nb}).replace("ü".encode(), b"\xff\xff"),
    "a bomb": lambda nb: zipped({f"{NAME}.ipynb": bytes(60_000_000)}),
    "a bomb in a zip": lambda nb: zipped({"a.zip": zipped({f"{NAME}.ipynb": bytes(60_000_000)})}),
    "a zip without an end": lambda nb: zipped({f"{NAME}.ipynb": nb})[:-30],
    "a zip that is damaged inside": lambda nb: damaged(zipped({f"{NAME}.ipynb": nb})),
    "too many in one another": lambda nb: nested(nb, 4),
    "nothing": lambda nb: zipped({}),
    "only others": lambda nb: zipped({"a.pdf": "%PDF"}),
    "encrypted": lambda nb: encrypted(zipped({f"{NAME}.ipynb": nb})),
    "a method that nobody has": lambda nb: method(zipped({f"{NAME}.ipynb": nb})),
}


def encrypted(raw):
    raw = bytearray(raw)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + place] |= 1
    return bytes(raw)


def damaged(raw):
    return raw[:60] + b"\xff" * 40 + raw[100:]


def nested(raw, depth):
    for level in range(depth):
        raw = zipped({"work.zip" if level else f"{NAME}.ipynb": raw})
    return raw


def method(raw):
    raw = bytearray(raw)
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        raw[raw.index(signature) + place] = 97
    return bytes(raw)


def test_archives(room):
    for number, make in enumerate(ARCHIVES.values()):
        room.lay(f"good{number}/work.zip", make(room.all))
    for number, make in enumerate(NONE.values()):
        room.lay(f"none{number}/work.zip", make(room.all))
    found = room.scores()
    for number, case in enumerate(ARCHIVES):
        assert found[f"good{number}"] == 5, (case, room.says(f"good{number}"))
    for number, case in enumerate(NONE):
        assert found[f"none{number}"] == 0, case
        assert not room.says(f"none{number}").startswith(" | "), case
    assert "larger than 50 MB" in room.says("none1") and "larger than 50 MB" in room.says("none2")


def test_folders_that_hold_nothing_have_a_row_with_the_reason(room):
    (room.downloads / "empty").mkdir()
    (room.downloads / "nested" / "a" / "b").mkdir(parents=True)
    room.lay("pictures/a.png", b"x")
    room.lay("page.html", b"x")
    (room.downloads / "link").symlink_to("/etc")
    (room.downloads / "closed").mkdir(mode=0)
    room.lay(f"shut/{NAME}.ipynb")
    (room.downloads / "shut" / f"{NAME}.ipynb").chmod(0)
    room.lay(f"half/{NAME}.ipynb")
    (room.downloads / "half" / "private").mkdir(mode=0)
    room.lay(f"{'王' * 84}/{NAME}.ipynb")
    (room.downloads / "last").mkdir()
    try:
        found = room.graded()
    finally:
        (room.downloads / "closed").chmod(0o700)
        (room.downloads / "half" / "private").chmod(0o700)
    assert len(found) == 10 and sum(found.values()) == 10 and found["half"] == 5
    reasons = {"empty": "the folder is empty", "nested": "the folder is empty", "pictures": "there was only a.png",
               "page": "there was only", "link": "a link to another file", "closed": "Permission denied",
               "shut": "Permission denied", "half": "private was left out: cannot be opened", "last": "empty"}
    for student, why in reasons.items():
        assert why in room.says(student), (student, room.says(student))
        assert student == "half" or room.table()[student]["status"].startswith("UNREADABLE: ")
