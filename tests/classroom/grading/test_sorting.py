"""Found files by owner and by student; names of whole classes are in test_handed_in.py."""

import json

from course_lib.classroom.grading.downloads import Entry
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.sorting import ALIKE, by_owner, by_student, kind

NAME = "12_gpt"


def found(folders, *paths):
    entries = [Entry(tuple(path.split("/")), lambda: None) for path in paths]
    return by_student(folders, NAME, by_owner(entries, NAME))


def test_what_counts_as_a_notebook():
    kinds = {"a.ipynb": ".ipynb", "a.IPYNB": ".ipynb", "a.ipynb.txt": ".ipynb", "a.zip": ".zip", "a.py": ".py",
             "a.pyc": "", "ipynb": "", "a.tar.gz": ""}
    assert {name: kind(name) for name in kinds} == kinds


def test_files_of_one_student_stay_together_and_others_are_named(tmp_path):
    named = found(Folders(tmp_path), "ann/a.ipynb", "ann/b/c.py", "ann/d.pdf", "bob/a.ipynb")
    assert [len(named[student].files) for student in ("ann", "bob")] == [2, 1]
    assert named["ann"].others == ["d.pdf"] and named["ann"].notes == []


def test_a_name_that_somebody_has_stays_theirs(tmp_path):
    folders = Folders(tmp_path)
    owner = found(folders, f"ann_{NAME}.ipynb")["ann"].owner
    folders.inbox("ann", NAME).mkdir(parents=True)
    (folders.inbox("ann", NAME) / "receipt.json").write_text(json.dumps({"owner": owner.key}))
    named = found(folders, "ann/x.ipynb", f"ann_{NAME}.ipynb")
    assert named["ann"].owner == owner and len(named) == 2
    other, = named.keys() - {"ann"}
    assert other.startswith("ann~") and f"kept apart as {other}" in " ".join(named[other].notes)
    assert list(found(folders, "ann/x.ipynb")) == [other], "also by itself, and next time"
    assert ALIKE in named["ann"].notes and ALIKE in named[other].notes


def test_one_upload_s_number_is_not_two_students(tmp_path):
    named = found(Folders(tmp_path), "lab_3_1_ann.ipynb", "lab_3_1_bob.ipynb", "lab_3_2_ann-1.ipynb")
    assert sorted(len(one.files) for one in named.values()) == [1, 2]
    assert any("number of another upload" in note for one in named.values() for note in one.notes)
