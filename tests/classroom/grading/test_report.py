"""The student's page: everything escaped, manual scores and comments shown."""

from datetime import UTC, datetime
from html.parser import HTMLParser

from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.records import Result
from course_lib.classroom.grading.report import feedback_page
from course_lib.classroom.grading.rows import Part, Row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BAD = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_every_text_is_escaped_and_the_page_forbids_the_rest():
    marks = [Mark("90.1", BAD, 1.0, 3.0, "error", BAD, BAD + "2", BAD)]
    result = Result(BAD, marks, [BAD], "", NOON, 1.0)
    parts = {"90.1": Part(1.5, 3.0, by_hand=True, comment=BAD), BAD: Part(0.0, 4.0, waits=True, comment=BAD)}
    page = feedback_page(BAD, result, Row(BAD, 2.0, 9.0, 0.5, NOON, 86400.0, parts), None, {BAD: BAD})
    tags = Tags()
    tags.feed(page)
    assert {"script", "img", "iframe", "a", "link"} & {tag for tag, _ in tags.seen} == set()
    assert not any(name.startswith("on") for _, attributes in tags.seen for name in attributes)
    assert "default-src 'none'" in page
    assert "1.5 of 3, given by hand" in page and "to be graded by hand, 4 points" in page
    assert "0.5 taken off for 1.0 days late" in page and "still to be graded by hand" in page
