"""The lint of built notebooks: each rule fires, and honest outputs pass."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.classroom.authoring.lint import problems


def cell(source="x", *outputs, tags=(), count=1):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)}, execution_count=count)


def printed(text, name="stdout"):
    return new_output("stream", text=text, name=name)


def shown(**data):
    return new_output("display_data", data={key.replace("_", "/"): value for key, value in data.items()})


ERROR = new_output("error", ename="E", evalue="v", traceback=[])
BAD = {
    "a trailing ';'": cell("plot();  # quiet"),
    "clear_output": cell("clear_output()"),
    "input cannot": cell("name = input('who? ')"),
    "nbval-skip": cell(tags=["nbval-skip"]),
    "takes the time": cell("start = time.perf_counter()"),
    "was not executed": cell(count=None),
    "stored an error": cell("x", ERROR),
    "raised nothing": cell(tags=["raises-exception"]),
    "stderr": cell("x", printed("careful", "stderr")),
    "SVG": cell("x", shown(**{"image_svg+xml": "<svg/>"})),
    "path: 'saved in /home/me": cell("x", printed("saved in /home/me/x.txt")),
    "site-packages": cell("x", printed("lib/site-packages/torch")),
    "'/tmp/x.bin'": cell("x", shown(text_plain="'/tmp/x.bin'")),
    "address": cell("x", shown(text_html="<b>&lt;T at 0x7f00deadbeef&gt;</b>")),
    "path: 'in /tmp/here": cell("x", printed("in /tmp/here"), tags=["nbval-ignore-output"]),
}
GOOD = [
    cell("a = ';'"),
    cell("seconds = time.perf_counter()", printed("0.3 s"), tags=["nbval-ignore-output"]),
    cell("1 / 0", ERROR, tags=["raises-exception"]),
    cell("x", printed("1/2 and and/or, https://example.org/work/x, 0xff, tokens/s")),
    cell("x", shown(text_html='<img src="data:image/png;base64,AA/tmp/AA0x7f00deadbeef==">')),
    cell("", count=None),
]


@pytest.mark.parametrize("expected", BAD)
def test_each_rule_fires(expected):
    found = problems(new_notebook(cells=[BAD[expected]]))
    assert len(found) == 1 and found[0].startswith("code cell 1: ") and expected in found[0], found


def test_honest_cells_pass():
    assert problems(new_notebook(cells=GOOD)) == []


def test_widget_state():
    assert problems(new_notebook(metadata={"widgets": {}})) == ["the notebook stores widget state"]
