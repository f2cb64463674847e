"""Which cell shows which widget, so that running a cell again closes what it showed before; no lesson derives it.

ipywidgets keeps every widget alive until it is closed: a cell run a hundred times would hold a hundred of them,
with their pictures, in the kernel and in the browser.
"""

from typing import Any, Protocol


class Closable(Protocol):
    """What can be closed, and opened again by showing it."""

    def close(self) -> None:
        """Free what the browser's half holds."""


_shown: dict[str, tuple[str, list]] = {}  # cell → (execution, what it shows)


def now_shown(widget: Closable) -> None:
    """Remember that the running cell shows `widget`; close what an earlier execution of this cell has left."""
    cell, execution = this_cell()
    before, showing = _shown.get(cell, ("", []))
    left = showing if before != execution else []
    showing = [*([] if left else showing), widget]
    _shown[cell] = (execution, showing)
    elsewhere = {id(other) for _, others in _shown.values() for other in others}
    for old in left:
        if id(old) not in elsewhere:
            old.close()


def this_cell() -> tuple[str, str]:
    """(cell, execution) of the code that runs: the cell's id where the front end tells, else its source."""
    from IPython import get_ipython

    parent: Any = getattr(get_ipython(), "get_parent", dict)() or {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return cell, parent.get("header", {}).get("msg_id", "")
