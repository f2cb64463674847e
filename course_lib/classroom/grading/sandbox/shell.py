"""A notebook's cells in one IPython shell, outputs kept as plain data. Runs in the box; no lesson derives it."""

import base64
import io
import json
import signal
import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

PICTURE, PICTURES = 1_000_000, 1_200_000  # bytes of one, and of those of one cell
MANY = 200  # outputs of one cell
LINES, WORDS, NAME = 20, 2000, 200  # of an error: lines, characters of each, characters of its kind
ALL = 3_000_000  # bytes of all cells' outputs


class CellTooLong(BaseException):
    """The cell's time is over."""


class Outputs(list):
    """The outputs of the cell at work, in nbformat's form, capped at `room` characters of text.

    All cells together have `ALL` bytes. What finds no room is left out and costs no points: outputs are for humans.
    """

    def __init__(self, room: int):
        super().__init__()
        self.room, self.all, self.spent, self.pictures = room, ALL, 0, 0
        self.restart()

    def begin(self) -> None:
        """The next cell's turn."""
        self.all -= self.spent
        self.restart()

    def restart(self) -> None:
        """Forget this cell's outputs."""
        self.clear()
        self.left, self.spent, self.pictures = self.room, 0, PICTURES

    def fits(self, value: object) -> bool:
        """Whether there is room for a value, which is taken."""
        size = len(json.dumps(value))
        if self.spent + size > self.all:
            return False
        self.spent += size
        return True

    def text(self, text: str) -> str:
        """As much of `text` as there is room for."""
        kept = text[: max(self.left, 0)]
        self.left -= len(kept)
        kept = kept if self.fits(kept) else ""
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
        if isinstance(picture, str) and len(picture) < min(PICTURE, self.pictures) and self.fits(picture):
            kept["image/png"] = picture
            self.pictures -= len(picture)
        if len(self) < MANY:
            self.append({"data": kept, "metadata": {}, **more})

    def error(self, kind: type, value: object, lines: list[str]) -> None:
        """Add an error; never left out, however full it is: then without its lines."""
        lines = [str(line)[:WORDS] for line in lines][-LINES:]
        words = {"ename": kind.__name__[:NAME], "evalue": _words(value), "traceback": lines}
        if len(self) > MANY or sum(one["output_type"] == "error" for one in self) > 2 or not self.fits(words):
            words |= {"evalue": words["evalue"][:NAME], "traceback": []}
        if len(self) > MANY:
            self.pop()
        self.append({"output_type": "error", **words})


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
            outputs.restart()

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
        return str(value)[:WORDS]
    except Exception:
        return ""
