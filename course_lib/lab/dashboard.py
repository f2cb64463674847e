"""A training run to watch: live loss curve and samples, a still picture afterwards. Lessons 12, 14."""

import time
from collections.abc import Iterable, Iterator, Mapping

import matplotlib.pyplot as plt

from course_lib.lab.plots import training_curve
from course_lib.lab.progress import headless, progress


class Dashboard:
    """Feed it the trainer's records and it draws them as they come.

    >>> for record in dashboard.watch(trainer):                          # doctest: +SKIP
    ...     if record["step"] % 100 == 0:
    ...         dashboard.sample(record["step"], write())
    >>> dashboard.show(caption="...", alt="...")                          # doctest: +SKIP

    Live drawing needs ipywidgets and a person; under COURSE_HEADLESS=1 only `show` draws, so that what is
    stored in a notebook does not depend on how fast the machine was.
    """

    def __init__(self, *, references: Mapping[str, float] | None = None, unit: str = "nats a token",
                 refresh_seconds: float = 2.0):
        self.records: list[dict] = []
        self.samples: list[tuple[int, str]] = []
        self.references, self.unit, self.refresh_seconds = references, unit, refresh_seconds
        self._picture = None
        self._drawn_at = 0.0

    def watch(self, records: Iterable[dict], *, total: int | None = None) -> Iterator[dict]:
        """Yield the records unchanged, keeping each and redrawing at most once every `refresh_seconds`."""
        for record in progress(records, total=total, name="training"):
            self.records.append(record)
            if not headless() and time.monotonic() - self._drawn_at > self.refresh_seconds:
                self._redraw()
            yield record
        if self._picture is not None:
            self._picture.close()
            self._picture = None

    def sample(self, step: int, text: str) -> None:
        """Keep what the model wrote at `step`; `show_samples` prints all of them."""
        self.samples.append((step, text))

    def show(self, *, caption: str, alt: str):
        """The finished figure (also shows it, with its caption); print its `summary` beside it."""
        figure = training_curve(self.records, references=self.references, unit=self.unit, caption=caption, alt=alt)
        plt.show()
        return figure

    def show_samples(self, *, width: int = 300) -> None:
        """Print the samples by step, each cut to `width` characters."""
        for step, text in self.samples:
            print(f"step {step:>5} │ " + text[:width].replace("\n", "\n           │ ") + "\n")

    def _redraw(self) -> None:
        from IPython.display import display
        from ipywidgets import Image

        if self._picture is None:
            self._picture = Image(format="png", layout={"max_width": "720px"})
            display(self._picture)
        words = dict(caption="The run so far.", alt="Training loss by step, up to now.")
        figure = training_curve(self.records, references=self.references, unit=self.unit, **words)
        self._picture.value = figure.png()
        self._drawn_at = time.monotonic()
