"""JupyterLab and Chromium for the whole session: `lab` serves a temporary folder, `page` is a fresh tab in it.

The folder is a copy: what a test runs and saves never touches the course. Every request that leaves the machine is
refused and remembered, so that a lesson which needs the network fails here.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOKEN = "course-tests"
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage""".split()
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
SECONDS = 1000  # Playwright counts in milliseconds


@dataclass
class Lab:
    """A running JupyterLab: its address and the folder that it serves."""

    url: str
    folder: Path


@dataclass
class Tab:
    """One page in Chromium, with what it asked of the network and complained about on its console."""

    page: object
    lab: Lab
    refused: list = field(default_factory=list)
    console: list = field(default_factory=list)

    def open_notebook(self, path):
        """Show a notebook and wait until its kernel is idle."""
        self.page.goto(f"{self.lab.url}/lab/tree/{path}?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=60 * SECONDS)
        # The toolbar's indicator says "idle" before there is a kernel; the status bar does not.
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=90 * SECONDS)
        self.page.locator(".jp-NotebookPanel .jp-Spinner").wait_for(state="hidden", timeout=30 * SECONDS)

    def clear_outputs(self):
        """Remove stored outputs, so that what is seen afterwards was made here."""
        self.page.get_by_role("menuitem", name="Edit", exact=True).click()
        self.page.get_by_role("menuitem", name="Clear Outputs of All Cells", exact=True).click()

    def run_all(self, seconds=120):
        """Run all cells and wait until each has its number (an empty code cell would never get one)."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(
            """() => {
                const cells = '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputPrompt';
                const prompts = [...document.querySelectorAll(cells)].map(e => e.textContent.trim());
                return prompts.length && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
            }""",
            timeout=seconds * SECONDS,
        )

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
    return os.environ | {name: str(home / folder) for name, folder in places.items()}


def _wait_until_up(url, server, log):
    for _ in range(240):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{url}/api/status?token={TOKEN}", timeout=2)
            return
        time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory):
    """JupyterLab on a free port of this machine, serving an empty folder; one for all browser tests."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("served")
    port, log = _free_port(), home / "log.txt"
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "IdentityProvider.token": TOKEN,
        "LabApp.extension_manager": "readonly",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with open(log, "w") as output:
        server = subprocess.Popen(command, env=_private_environment(home), stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, server, log)
        yield Lab(url, folder)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="session")
def browser(chromium):
    """A Chromium without a window; one for all browser tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser, lab, tmp_path):
    """A fresh tab that cannot reach the network; a picture of it is kept if the test fails."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    tab = Tab(context.new_page(), lab)

    def only_here(route):
        address = route.request.url
        if address.startswith((lab.url, "data:", "blob:")):
            route.continue_()
        else:
            tab.refused.append(address)
            route.abort()

    context.route("**/*", only_here)
    tab.page.on("console", lambda message: message.type == "error" and tab.console.append(message.text[:300]))
    yield tab
    tab.page.screenshot(path=tmp_path / "last.png")
    context.close()
