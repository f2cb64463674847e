"""A training run to watch, pause, stop and look back at. Lessons 12 (gpt) and 14 (gpt_on_gpu)."""

import html
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_lib.doors.json_file import read_lines
from course_lib.doors.terminal import say
from course_lib.lab.plots import training_curve
from course_lib.lab.progress import headless, progress
from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.control import Control, button, slider
from course_lib.lab.widgets.picture import Picture, picture_of

CAPTION = "Thin line: the loss of every batch; thick line: the same, smoothed; dots: held-out text."
ALT = "Loss against training step."
REST = 10  # times as long as a picture took, training goes on before the next
POSITIONS = 200  # of the slider: a run of 100,000 steps is scrubbed in strides


class Dashboard(Widget):
    """The loss as it falls, what the model writes meanwhile, and every record to go back to.

    >>> for record in dashboard.watch(trainer):                          # doctest: +SKIP
    ...     if record["step"] % 100 == 0:
    ...         dashboard.sample(record["step"], write())

    `watch` shows it: while the cell runs, *pause* and *stop* work between two steps (JupyterLab 4.4 or later), and
    the slider goes back to any step. Headless, it is drawn once, at the end, so that what a notebook stores does not
    depend on how fast the machine was.

    Args:
        records: of a run that is over, to look back at: dicts with `step` and `loss`, as the trainer makes them.
        total: how many steps there will be, if known.
        references, unit, caption, alt: as for `plots.training_curve`.
    """

    name, label = "training", "Training dashboard"

    def __init__(self, records: Iterable[Mapping] = (), *, total: int | None = None, unit: str = "nats a token",
                 references: Mapping[str, float] | None = None, caption: str = CAPTION, alt: str = ALT,
                 refresh_seconds: float = 2.0):
        super().__init__(state={"step": None})  # None: the newest one
        self.records: list[Mapping] = list(records)
        self.samples: list[tuple[int, str]] = []
        self.total, self.refresh_seconds = total, refresh_seconds
        self.look = {"references": references, "unit": unit, "caption": caption, "alt": alt}
        self._drawn: tuple = (0, None, None)  # number of records, figure, its picture
        self.running = self.paused = False

    @classmethod
    def replay(cls, path: str | Path, **options: Any) -> "Dashboard":
        """The dashboard of a run recorded in a metrics.jsonl and, if there is one, in a samples.jsonl beside it.

        `path` is the file or its folder. Raises ValueError where there is none, or where a line is not a record.
        """
        file = Path(path, "metrics.jsonl") if os.path.isdir(path) else Path(path)
        try:
            records = read_lines(file, "a record of a run", keys={"step": int, "loss": float})
            dashboard = cls(records, **options)
            if os.path.exists(file := file.with_name("samples.jsonl")):
                samples = read_lines(file, "a run's samples", keys={"step": int, "text": str})
                dashboard.samples = [(sample["step"], sample["text"]) for sample in samples]
            return dashboard
        except OSError as error:
            raise ValueError(f"no recorded run at {file}; a run's folder holds its metrics.jsonl") from error

    def watch(self, records: Iterable[dict], *, total: int | None = None) -> Iterator[dict]:
        """Show the dashboard, and pass the records on unchanged, until they end or somebody presses *stop*."""
        self.total, self.running, drawn, cost = total or self.total, True, time.monotonic(), 0.0
        handle = self._show_live()
        try:
            for record in progress(records, total=self.total, name="training") if handle is None else records:
                self.records.append(record)
                yield record
                self.wait_while_paused()
                if not self.running:
                    break
                now = time.monotonic()
                if handle is not None and now - drawn > max(self.refresh_seconds, REST * cost):
                    self.redraw()
                    drawn = time.monotonic()
                    cost = drawn - now
        finally:
            self.running = self.paused = False
            self._show_finished(handle)

    def wait_while_paused(self) -> None:
        """Do what was asked at the controls; come back once training may go on."""
        self.handle()
        while self.paused and self.running:
            time.sleep(0.03)
            self.handle()

    def sample(self, step: int, text: str) -> None:
        """Keep what the model wrote at `step`: the dashboard shows it there, `show_samples` prints all of them."""
        self.samples.append((step, text))

    def show_samples(self, *, width: int = 300) -> None:
        """Print the samples by step, each cut to `width` characters."""
        for step, text in self.samples:
            say(f"step {step:>5} │ " + text[:width].replace("\n", "\n           │ ") + "\n")

    @property
    def summary(self) -> str:
        """The run in one line."""
        return repr(self)

    def controls(self) -> Sequence[Control]:
        """The slider over steps; while training, pause and stop."""
        stride = -(-len(self.records) // POSITIONS)
        steps = [record["step"] for record in [*self.records[::-1][::max(1, stride)]][::-1]] or [0]
        scrub = slider("step", steps, enabled=len(steps) > 1, plays=not self.running)
        if not self.running:
            return [scrub]
        return [button("pause", "go on" if self.paused else "pause"), button("stop"), scrub]

    def act(self, name: str, value: Any) -> None:
        """Pause, go on, stop, or look back to a step; the last step follows what comes."""
        if name == "pause":
            self.paused = not self.paused
        elif name == "stop":
            self.running = False
        else:
            newest = self.records and value == self.records[-1]["step"]
            self.state["step"] = None if newest else value

    def draw(self, state: dict[str, Any]) -> Picture:
        """The curve, the step that one looks at, what was written last before it."""
        if not self.records:
            return Picture("no step yet", markup="<p>No step yet.</p>")
        if self._drawn[0] != len(self.records):  # looking back moves a line over the picture, which stays
            figure = self.curve()
            self._drawn = (len(self.records), figure, picture_of(figure))
        _, figure, curve = self._drawn
        record = self._record(state["step"])
        mark = "" if state["step"] is None else _mark(figure, record["step"])
        wrote = [f"<p>At step {step} it wrote:</p><pre>{html.escape(text)}</pre>"
                 for step, text in self.samples if step <= record["step"]][-1:]
        return Picture(self._words(record), markup=curve.as_html(over=mark) + "".join(wrote))

    def still(self, state: dict[str, Any]) -> object:
        """The curve alone."""
        if not self.records:
            return "no step yet"
        return self.curve()

    def curve(self):
        """The figure of the whole run, `plots.training_curve` of its records."""
        return training_curve(self.records, **self.look)

    def _described(self) -> list[dict]:
        newest = self.records[-1]["step"] if self.records else 0
        step = newest if self.state["step"] is None else self.state["step"]
        return [control.described(step) for control in self.controls()]

    def _record(self, step: int | None) -> Mapping:
        until = [r for r in self.records if step is None or r["step"] <= step]
        return until[-1] if until else self.records[0]

    def _words(self, record: Mapping) -> str:
        of = f" of {self.total}" if self.total else ""
        parts = [f"step {record['step']}{of}", f"loss {record['loss']:.2f} {self.look['unit']}"]
        measured = [r for r in self.records if r["step"] <= record["step"] and r.get("held_out_loss") is not None]
        parts += [f"held out {measured[-1]['held_out_loss']:.2f}"] if measured else []
        shown = dict(lr="lr {:.2g}", grad_norm="gradient norm {:.2f}", tokens="{:,} tokens", seconds="{:.0f} s")
        parts += [form.format(record[key]) for key, form in shown.items() if record.get(key) is not None]
        return " · ".join(parts + (["paused"] if self.paused else []))

    def _show_live(self):
        if headless():
            return None
        from IPython.display import display

        return display(self, display_id=True)

    def _show_finished(self, handle) -> None:
        if handle is not None:
            self.redraw()
            handle.update(self)  # what is saved is the finished picture
        elif self.records:
            from IPython.display import display

            display(self.curve())


def _mark(figure, step: int) -> str:
    """A line at `step`, as high as the axes; in parts of the picture, so that it fits at any size."""
    ax = figure.axes[0]
    box, across = ax.get_position(), ax.transData.transform((step, 0))[0] / figure.bbox.width
    return f'<i class="mark" style="left:{across:.2%};top:{1 - box.y1:.2%};height:{box.height:.2%}"></i>'
