"""Results as they are kept; one that cannot be read says so and hides no other."""

import json
from datetime import UTC, datetime

from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.records import Result, results

NAME = "90_toy"


def test_results(tmp_path):
    folders = Folders(tmp_path)
    kept = Result("ann", [Mark("90.1", "Softmax", 3.0, 3.0, "correct")], ["a note"], "", datetime.now(UTC), 1.5, 2)
    (folders.results(NAME) / "ann.json").write_text(json.dumps({"result": kept.to_dict()}))
    for number, broken in enumerate(("{", "[]", '{"result": {"marks": [{}]}}', '{"result": 3}')):
        (folders.results(NAME) / f"broken{number}.json").write_text(broken)
    folders.inbox("new", NAME).mkdir(parents=True)
    found = results(folders, NAME)
    assert found.pop("ann") == kept and kept.status == "graded"
    assert found.pop("new").status == f"UNGRADED: it is not graded yet: course grade {NAME} comes first"
    assert len(found) == 4 and all("its grading cannot be read" in one.status for one in found.values())


def test_status():
    mark = Mark("90.1", "Softmax", 0.0, 3.0, "unreadable")
    assert Result("a", [mark], [], "it is empty", datetime.now(UTC), 0.0).status == "UNREADABLE: it is empty"
