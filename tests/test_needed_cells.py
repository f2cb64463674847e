"""Which cells a widget needs: found through names, functions and imports, and nothing else."""

from tools.needed_cells import made_and_needed, needed_cells, widget_cells

LESSON = [
    "import numpy as np\nfrom course_lib.lab.widgets import explore as look",
    "x = np.arange(4)\nfor i in range(3):\n    pass",
    "def scaled(k):\n    y = x * k\n    return y",
    "x = x + 1",
    "y = 7\nprint(y)",
    "def draw(k=1):\n    return scaled(k)",
    "look(draw, k=[1, 2])",
]


def test_names_are_followed_back_to_the_cell_that_made_them_last():
    assert widget_cells(LESSON) == [6]
    assert needed_cells(LESSON, [6]) == [0, 1, 2, 5, 6]
    assert needed_cells([*LESSON, "print(x)"], [7]) == [0, 1, 3, 7], "x was made anew by the fourth cell"
    assert needed_cells(LESSON, []) == []


def test_what_is_local_is_nobodys_business():
    assert made_and_needed("n += 1\nx = 1\nprint(x)") == ({"n", "x"}, {"n", "print"})
    made, read = made_and_needed("def f(a):\n    b = a\n    return [c for c in b if c in other]")
    assert made == {"f"} and read == {"other"}
    assert made_and_needed("import a.b, c as d\nclass E:\n    f = g") == ({"a", "d", "E"}, {"g"})


def test_a_widget_is_what_comes_from_the_widgets_package():
    imports = "from course_lib.lab.widgets import A\nfrom course_lib.lab import B"
    assert widget_cells([imports, "A(1)", "B(1)", "A"]) == [1]
