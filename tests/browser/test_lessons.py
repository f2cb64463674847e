"""Every lesson as a student meets it: found in the file browser, run from top to bottom, without an error, offline."""

import shutil


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        folder = metafunc.config.rootpath / "notebooks"
        metafunc.parametrize("lesson", sorted(path.stem for path in folder.glob("[0-9]*.ipynb")))


def test_lesson(tab, lab, repository, lesson):
    (lab.folder / "notebooks").mkdir(exist_ok=True)
    shutil.copy(repository / "notebooks" / f"{lesson}.ipynb", lab.folder / "notebooks")
    tab.open_from_file_browser("notebooks", f"{lesson}.ipynb")
    tab.clear_outputs()
    tab.run_all(seconds=400)
    assert tab.errors() == []
    assert tab.console == [] and tab.refused == []
    panel = tab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    numbers = panel.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    assert numbers == [f"[{n}]:" for n in range(1, len(numbers) + 1)]
    shown = panel.locator(".jp-RenderedImage img, .course-widget")
    assert shown.count() > 0, "a lesson without a figure"
    for n in range(shown.count()):
        element = shown.nth(n)
        element.scroll_into_view_if_needed()
        tab.keep(f"{lesson}-{n:02}", element)
    broken = panel.locator("img").evaluate_all("all => all.filter(img => !img.naturalWidth).length")
    assert broken == 0, "a picture that does not load"
