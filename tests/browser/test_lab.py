"""JupyterLab in a real browser: notebooks run, widgets answer, errors are seen, nothing asks the network."""

SLIDER = """
import ipywidgets
def show(head):
    print("you see head", head)
ipywidgets.interact(show, head=ipywidgets.IntSlider(min=0, max=3, value=0))
"""


def test_cells_run_and_a_slider_answers(tab, lab):
    lab.write("slider.ipynb", SLIDER.strip(), "print('the', 'end')")
    tab.open_notebook("slider.ipynb")
    tab.run_all()
    tab.page.get_by_text("the end", exact=True).wait_for()
    tab.clear_outputs()
    assert tab.page.get_by_text("the end", exact=True).count() == 0
    tab.run_all()
    handle = tab.page.locator(".widget-interact .noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    tab.page.get_by_text("you see head 2").wait_for()
    assert tab.clean()


def test_what_goes_wrong_is_seen(tab, lab):
    show = "from IPython.display import HTML, display\n"
    picture = show + "display(HTML('<img src=\"https://example.org/picture.png\">'))"
    lab.write("wrong.ipynb", picture, "import sys; print('careful', file=sys.stderr)", "1 / 0")
    tab.open_notebook("wrong.ipynb")
    tab.run_all()
    errors = "\n".join(tab.errors())
    assert "careful" in errors and "ZeroDivisionError" in errors
    assert tab.refused == ["https://example.org/picture.png"]
