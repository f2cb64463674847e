"""Run a notebook's cells as every machine would, and drop what differs between machines.

Part of the authors' tools; no lesson derives it.
"""

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

# This import builds matplotlib's font cache, too, where its message is not an output.
from course_lib.lab.plots.fonts import cjk_font

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 120


class BuildError(Exception):
    """A notebook that must not be written; the message names the file and each problem, one a line."""


class _Client(NotebookClient):
    """Runs cells as nbval does: widgets swallow no output and leave no state behind."""

    def handle_comm_msg(self, outs, msg, cell_index):
        return None


def execute(nb: NotebookNode, folder: Path) -> None:
    """Run all cells of `nb` in place, in `folder`, on one thread, headless, with an empty `work/`.

    Raises BuildError when a cell fails that is not tagged `raises-exception`, and when there are figures but no font
    to write Chinese in.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        fixed = {"OMP_NUM_THREADS": "1", "COURSE_HEADLESS": "1", "PYTHONHASHSEED": "0"}
        private = {"COURSE_WORK": f"{work}/work", "IPYTHONDIR": f"{work}/ipython"}
        client = _Client(
            nb,
            timeout=CELL_SECONDS,
            kernel_name=KERNEL["name"],
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            client.execute(env={**os.environ, **fixed, **private})
        except Exception as error:
            raise BuildError(str(error)) from None
    if _has_figures(nb) and cjk_font() is None:
        raise BuildError("the notebook has figures, and no font with Chinese characters is installed: they would be "
                         "stored with code points in place of 中文; install one (Debian, Ubuntu: fonts-noto-cjk)")
    normalise(nb)


def _has_figures(nb):
    outputs = (output for cell in nb.cells for output in cell.get("outputs", []))
    return any("image/png" in output.get("data", {}) for output in outputs)


def normalise(nb: NotebookNode) -> None:
    """Drop, in place, what differs between machines: versions, widget views, picture sizes.

    Called by `execute`; outputs themselves stay as they are.
    """
    nb.metadata = metadata()
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if "metadata" in output:
                output.metadata.pop("image/png", None)


def metadata() -> NotebookNode:
    """A notebook's metadata, the same on every machine."""
    return nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
