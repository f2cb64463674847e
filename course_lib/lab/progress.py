"""Progress bars for people, silence for test runs. Used by all lessons with long work."""

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def headless() -> bool:
    """True when a builder or a test runs the notebook: no bars, no live figures, no personal results."""
    return os.environ.get("COURSE_HEADLESS") == "1"


def progress(iterable: Iterable[T], *, total: int | None = None, name: str = "") -> Iterator[T]:
    """Yield from `iterable` under a bar (`tqdm.auto`: a widget in Jupyter, text elsewhere).

    Set COURSE_HEADLESS=1 to switch every bar off: `TQDM_DISABLE` does not reach the notebook's own bar.
    """
    from tqdm.auto import tqdm

    yield from tqdm(iterable, total=total, desc=name, disable=headless(), leave=False)
