"""A notebook's cells in one IPython shell, outputs kept as plain data. Runs in the box; no lesson derives it."""

import base64
import io
import signal
import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

PICTURE = 1_000_000
MANY = 200


class CellTooLong(BaseException):
    """The cell's time is over."""


class Outputs(list):
    """The outputs of the cell at work, in nbformat's form, capped at `room` characters of text."""

    def __init__(self, room: int):
        super().__init__()
        self.room = self.left = room

    def begin(self) -> None:
        """Forget the last cell's outputs."""
        self.clear()
        self.left = self.room

    def text(self, text: str) -> str:
        """As much of `text` as there is room for."""
        kept = text[: max(self.left, 0)]
        self.left -= len(kept)
        return kept if len(kept) == len(text) else kept + ("\n… cut" if kept else "")

    def stream(self, name: str, text: str) -> None:
        """Add what was printed, to the last output if that is the same stream."""
        if not (kept := self.text(text)):
            return
        if self and self[-1].get("name") == name:
            self[-1]["text"] += kept
        elif len(self) < MANY:
            self.append({"output_type": "stream", "name": name, "text": kept})

    def shown(self, data: dict, **more: object) -> None:
        """Add a displayed value: its text and its PNG, nothing that a browser would run."""
        kept = {"text/plain": self.text(str(data["text/plain"]))} if "text/plain" in data else {}
        picture = data.get("image/png")
        picture = base64.b64encode(picture).decode() if isinstance(picture, bytes) else picture
        if isinstance(picture, str) and len(picture) < PICTURE:
            kept["image/png"] = picture
        if len(self) < MANY:
            self.append({"data": kept, "metadata": {}, **more})

    def error(self, kind: type, value: object, lines: list[str]) -> None:
        """Add an error; never left out, however full it is."""
        lines = [str(line)[:2000] for line in lines][-20:]
        self.append({"output_type": "error", "ename": kind.__name__, "evalue": _words(value), "traceback": lines})


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, name, outputs):
        self.called, self.outputs = name, outputs

    def writable(self):
        return True

    def write(self, text):
        self.outputs.stream(self.called, text)
        return len(text)


def make_shell(outputs: Outputs) -> InteractiveShell:
    """An IPython shell, magics included, that writes to `outputs` and keeps no history on disk."""

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, source=None, **more):
            outputs.shown(data, output_type="display_data")

        def clear_output(self, wait=False):
            outputs.begin()

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            outputs.shown(format_dict, output_type="execute_result", execution_count=None)

        def finish_displayhook(self):
            pass

    class Shell(InteractiveShell):
        display_pub_class, displayhook_class = Publisher, Hook

        def enable_gui(self, gui=None):
            """No windows here; `%matplotlib inline` asks all the same."""

        def _showtraceback(self, etype, evalue, stb):
            outputs.error(etype, evalue, stb)

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    sys.stdout, sys.stderr = _Stream("stdout", outputs), _Stream("stderr", outputs)
    return Shell.instance(config=config)


def run_cell(shell: InteractiveShell, outputs: Outputs, source: str, seconds: float) -> None:
    """Run one cell and stop it after `seconds`; whatever it raises becomes an output."""

    def over(signum, frame):
        raise CellTooLong(f"this cell was stopped after {seconds:g} s")

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        done = shell.run_cell(source, store_history=False)
        if not done.success and not any(output["output_type"] == "error" for output in outputs):
            error = done.error_in_exec or done.error_before_exec
            outputs.error(type(error), error, [])
    except BaseException as error:  # SystemExit, the alarm, an exception of the student's own
        outputs.error(type(error), error, [])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _words(value):
    try:
        return str(value)[:2000]
    except Exception:
        return ""
