"""JupyterLab and Chromium for the whole session: `lab` serves a temporary folder, `page` is a fresh tab in it.

The folder is a copy: what a test runs and saves never touches the course. Every request that leaves the machine is
refused and remembered, so that a lesson which needs the network fails here. Pictures are kept in build/screenshots
(COURSE_SCREENSHOTS moves it), for people to look at.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TOKEN = "course-tests"
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage""".split()
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
SECONDS = 1000  # Playwright counts in milliseconds


@dataclass
class Lab:
    """A running JupyterLab: its address and the folder that it serves."""

    url: str
    folder: Path

    def write(self, name, *sources):
        """Put a notebook of these code cells into the folder."""
        cells = [new_markdown_cell("# A notebook of the tests"), *map(new_code_cell, sources)]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), self.folder / name)


class Bench:
    """A widget in the page: its controls by their labels, its picture, its line in words."""

    def __init__(self, root):
        self.root = root

    def control(self, label):
        """The input, list or button with this label, as a screen reader finds it."""
        names = self.root.get_by_label(label, exact=True), self.root.get_by_role("button", name=label, exact=True)
        return names[0].or_(names[1]).first

    def use(self, control):
        """Move a slider by one, take another choice, switch, write, or press; what is disabled is left alone."""
        field = control.locator("input, select").or_(control.locator("xpath=self::button")).first
        if field.is_disabled():
            return
        kind = field.evaluate("node => node.matches('select, button') ? node.localName : node.type")
        if kind == "range":
            at_end = field.evaluate("node => +node.value >= +node.max")
            field.press("ArrowLeft" if at_end else "ArrowRight")
        elif kind == "select":
            n, now = field.evaluate("node => [node.options.length, node.selectedIndex]")
            field.select_option(index=(now + 1) % n)
        elif kind == "text":
            field.fill("One")
            field.press("Enter")
        else:  # a switch or a button
            field.click()

    def settle(self):
        """Wait until the kernel has answered all that was asked."""
        self.root.page.wait_for_function(
            "root => root.getAttribute('aria-busy') === 'false'", arg=self.root.element_handle(), timeout=30 * SECONDS
        )
        return self

    def wait_for_words(self, text, *, gone=False):
        """Wait until the line in words holds `text`, or no longer does."""
        self.root.locator(".words").filter(**{"has_not_text" if gone else "has_text": text}).wait_for()

    @property
    def words(self):
        """What is read aloud."""
        return self.settle().root.locator(".words").inner_text()

    @property
    def picture(self):
        """The picture as HTML; pixels are part of it."""
        return self.settle().root.locator(".picture").inner_html()


@dataclass
class Tab:
    """One page in Chromium, with what it asked of the network and complained about on its console."""

    page: object
    lab: Lab
    pictures: Path
    refused: list = field(default_factory=list)
    console: list = field(default_factory=list)

    def open_notebook(self, path):
        """Show a notebook and wait until its kernel is idle."""
        self.page.goto(f"{self.lab.url}/lab/tree/{path}?token={TOKEN}&reset")
        self.wait_for_kernel()

    def open_from_file_browser(self, *path):
        """Find a notebook as a student does: double click on each folder, then on the file."""
        self.page.goto(f"{self.lab.url}/lab?token={TOKEN}&reset")
        self.double_click(*path)
        self.wait_for_kernel()

    def double_click(self, *path):
        """Go down these folders in the file browser, from its top, and open the last."""
        self.page.locator(".jp-BreadCrumbs-home").click(timeout=60 * SECONDS)
        for name in path:
            # The whole name: `12_gpt` is not `12_gpt.ipynb` of a folder that is still shown.
            whole = re.compile(rf"^\s*{re.escape(name)}\s*$")
            text = self.page.locator(".jp-DirListing-itemText").filter(has_text=whole)
            self.page.locator(".jp-DirListing-item").filter(has=text).dblclick(timeout=60 * SECONDS)

    def wait_for_kernel(self):
        """Wait until the notebook in front is drawn and its kernel idle: what is run earlier may be lost."""
        self.page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=60 * SECONDS)
        # The toolbar's indicator says "idle" before there is a kernel; the status bar does not.
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=90 * SECONDS)
        self.page.locator(".jp-NotebookPanel .jp-Spinner").wait_for(state="hidden", timeout=30 * SECONDS)

    def clear_outputs(self):
        """Remove stored outputs, so that what is seen afterwards was made here."""
        self.page.get_by_role("menuitem", name="Edit", exact=True).click()
        self.page.get_by_role("menuitem", name="Clear Outputs of All Cells", exact=True).click()

    def start_all(self):
        """Run all cells, without waiting for them."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def run_all(self, seconds=120):
        """Run all cells and wait for them."""
        self.start_all()
        self.wait_until_run(seconds)

    def wait_until_run(self, seconds=120):
        """Wait until each cell has its number (an empty code cell would never get one)."""
        self.page.wait_for_function(
            """() => {
                const cells = '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputPrompt';
                const prompts = [...document.querySelectorAll(cells)].map(e => e.textContent.trim());
                return prompts.length && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
            }""",
            timeout=seconds * SECONDS,
        )

    def cell(self, text):
        """The first code cell of the open notebook whose source holds `text`."""
        cells = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")
        return cells.filter(has=self.page.locator(".cm-content", has_text=text)).first

    def run_cells(self, places):
        """Run the cells at these places of the open notebook, one after the other."""
        self.page.evaluate(
            """async places => {
                const notebook = jupyterapp.shell.currentWidget.content;
                for (const place of places) {
                    notebook.activeCellIndex = place;
                    notebook.deselectAll();
                    await jupyterapp.commands.execute("notebook:run-cell");
                }
            }""",
            list(places),
        )

    def run_cell(self, cell, source=None):
        """Run one cell, with another source if given; returns what it printed."""
        number = cell.locator(".jp-InputPrompt").inner_text().strip()
        cell.locator(".cm-content").click()
        if source is not None:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            "([cell, before]) => { const now = cell.querySelector('.jp-InputPrompt').textContent.trim();"
            " return now !== before && /^\\[\\d+\\]:$/.test(now); }",
            arg=[cell.element_handle(), number],
            timeout=60 * SECONDS,
        )
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())

    def bench(self, label):
        """The widget that screen readers call `label`, once it is there."""
        assert self.errors() == []
        root = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").get_by_role("group", name=label, exact=True)
        root.first.wait_for(timeout=60 * SECONDS)
        return self.bench_of(root.first)

    def bench_of(self, root):
        """The widget whose element is `root`, brought into view."""
        root.scroll_into_view_if_needed()
        return Bench(root).settle()

    def keep(self, name, element=None):
        """Keep a picture of the page, or of one element of it."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        (element or self.page).screenshot(path=self.pictures / f"{name}.png")

    def clean(self):
        """Nothing failed: no error output, no stderr, no error of the page or its console, no request to elsewhere."""
        return (self.errors(), self.console, self.refused) == ([], [], [])

    def errors(self):
        """The text of every error output and of everything written to stderr."""
        kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        wanted = ", ".join(f'.jp-OutputArea-output[data-mime-type="{kind}"]' for kind in kinds)
        return self.page.locator(wanted).all_text_contents()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _private_environment(home):
    """Folders of its own, so that neither the user's settings nor the user's kernels are seen or changed."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "COURSE_WORK": "work",
    }
    settings = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(NO_NEWS))
    # A student's JupyterLab, not a builder's: widgets are alive.
    return os.environ | {name: str(home / folder) for name, folder in places.items()} | {"COURSE_HEADLESS": "0"}


def _wait_until_up(url, server, log):
    for _ in range(240):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{url}/api/status?token={TOKEN}", timeout=2)
            return
        time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def _serving(home, folder, **environment):
    """The address of a JupyterLab that serves `folder`, is started in it, and keeps what is its own in `home`."""
    port, log = _free_port(), home / "log.txt"
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "IdentityProvider.token": TOKEN,
        "LabApp.extension_manager": "readonly",
        "LabApp.expose_app_in_browser": True,  # so that a test can run the cells it wants
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    variables = _private_environment(home) | environment
    with open(log, "w") as output:
        server = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="session")
def serving(chromium):
    """serving(home, folder, **environment): a JupyterLab of one's own, as a context."""
    return _serving


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory):
    """JupyterLab on a free port of this machine, serving an empty folder; one for all browser tests."""
    folder = tmp_path_factory.mktemp("served")
    with _serving(tmp_path_factory.mktemp("jupyter"), folder) as url:
        yield Lab(url, folder)


@pytest.fixture(scope="module")
def browser(chromium):
    """A Chromium without a window, one for each file: Playwright's event loop would go on running in other tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures(repository):
    """The folder of screenshots, as test artefacts."""
    return Path(os.environ.get("COURSE_SCREENSHOTS") or repository / "build" / "screenshots")


def _shut_down_kernels(lab):
    """A closed page leaves its kernel alive, with all that the lesson had in memory."""
    headers = {"Authorization": f"token {TOKEN}"}
    running = urllib.request.Request(f"{lab.url}/api/kernels", headers=headers)
    with urllib.request.urlopen(running, timeout=30) as answer:
        kernels = json.load(answer)
    for kernel in kernels:
        stop = urllib.request.Request(f"{lab.url}/api/kernels/{kernel['id']}", headers=headers, method="DELETE")
        urllib.request.urlopen(stop, timeout=60).close()


@pytest.fixture
def tab(browser, lab, tmp_path, pictures):
    """A fresh tab that cannot reach the network; a picture of it is kept if the test fails."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    tab = Tab(context.new_page(), lab, pictures)

    def only_here(route):
        address = route.request.url
        if address.startswith((lab.url, "data:", "blob:")):
            route.continue_()
        else:
            tab.refused.append(address)
            route.abort()

    context.route("**/*", only_here)
    tab.page.on("console", lambda message: message.type == "error" and tab.console.append(message.text[:300]))
    tab.page.on("pageerror", lambda error: tab.console.append(str(error)[:300]))
    yield tab
    tab.page.screenshot(path=tmp_path / "last.png")
    context.close()
    _shut_down_kernels(lab)
