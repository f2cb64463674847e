"""One exercise solved in the page, from the stub through a named mistake and a hint, and the map that sees it."""

import shutil

WRONG = """def next_token_windows(ids, context_length):
    n = (len(ids) - 1) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, idx"""
RIGHT = WRONG.replace("return idx, idx", "return idx, ids[1 : n * context_length + 1].view(n, context_length)")
MAP = "from course_lib.lab.widgets import LiveMap\nLiveMap()"


def test_solve_an_exercise_and_see_it_on_the_map(tab, lab, repository):
    lab.folder.joinpath("work").mkdir(exist_ok=True)
    shutil.copytree(repository / "exercises" / "12_gpt", lab.folder / "work" / "12_gpt", dirs_exist_ok=True)
    lab.write("map.ipynb", MAP)
    shutil.copy(repository / "notebooks" / "12_gpt.ipynb", lab.folder)
    tab.open_from_file_browser("map.ipynb")
    tab.run_all()
    course = tab.bench("The course and how far you are")
    assert "of 5 exercises" not in course.picture
    tab.keep("widget-map", course.root)

    course.root.get_by_role("link", name="12 GPT").press("Enter")
    tabs = tab.page.locator(".lm-DockPanel .lm-TabBar-tabLabel")
    tabs.filter(has_text="12_gpt.ipynb").wait_for()
    assert tabs.filter(has_text="map.ipynb").count() == 1, "the lesson has a tab beside the map"

    tab.double_click("work", "12_gpt", "12_gpt.ipynb")
    tab.page.get_by_role("heading", name="Exercises 12").wait_for()
    tab.wait_for_kernel()
    tab.run_cell(tab.cell("from course_lib.classroom import"))
    answer, checked = tab.cell("def next_token_windows"), tab.cell('check("12.1"')
    tab.run_cell(answer)
    assert "12.1 not started yet" in tab.run_cell(checked)
    tab.run_cell(answer, WRONG)
    said = tab.run_cell(checked)
    assert "this is a window whose targets are its own inputs" in said and "Ask for the next one." in said
    tab.keep("exercise-mistake")
    checked.locator(".jp-InputPrompt").click()
    tab.page.keyboard.press("b")
    below = tab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell.jp-mod-selected")
    assert "12.1 hint 1 of 3" in tab.run_cell(below, 'hint("12.1")')
    tab.run_cell(answer, RIGHT)
    assert tab.run_cell(checked).startswith("12.1 correct")
    tab.keep("exercise-correct")

    tabs.filter(has_text="map.ipynb").click()
    tab.page.get_by_text("1 of 5 exercises").wait_for()
    assert tab.clean()
