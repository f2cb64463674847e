"""The browser's half of a widget: one comm, native controls, a picture, a line in words; no lesson derives it.

panel.js draws what `controls`, `picture` and `words` say, and queue.js sends back what a person does. A widget that
needs to follow the mouse adds a script of its own, and panel.css a style. All are files beside this one: nothing is
fetched.
"""

import functools
import os
from pathlib import Path

import anywidget
from traitlets import Int, List, Unicode

HERE = Path(__file__).parent


class Front(anywidget.AnyWidget):
    """What Python and the browser share. `count` goes up with every picture, which answers all up to `answered`."""

    kind = Unicode().tag(sync=True)
    label = Unicode().tag(sync=True)
    controls = List().tag(sync=True)
    picture = Unicode().tag(sync=True)
    words = Unicode().tag(sync=True)
    count = Int().tag(sync=True)
    answered = Int().tag(sync=True)

    def open(self) -> None:
        """Open the comm, for messages on any thread."""
        super().open()
        self._hear_while_busy()

    def send_state(self, key=None) -> None:
        """Send traits, and stay open for messages on any thread."""
        super().send_state(key)
        self._hear_while_busy()

    def _hear_while_busy(self) -> None:
        # ipykernel 7.4 keeps what the browser sends for the thread that published last: the cell that is busy
        # training would hear of a pressed "pause" when it has finished. Without this note it goes where JupyterLab
        # wants it, to a thread of its own. Other versions of ipykernel do not make the note.
        getattr(self.comm, "__dict__", {}).pop("_reply_subshell_id", None)

    def close(self) -> None:
        """Close the comm, and that of the layout, which ipywidgets would keep."""
        self.layout.close()
        super().close()


@functools.cache
def front_class(name: str) -> type[Front]:
    """The front of widget `name`: queue.js, panel.js and panel.css, behind them name.js and name.css if it has any."""
    code, style = _joined("queue.js", "panel.js", f"{name}.js"), _joined("panel.css", f"{name}.css")
    return type(f"Front_{name}", (Front,), {"_esm": code, "_css": style, "__module__": __name__})


def _joined(*names: str) -> str:
    paths = [HERE / name for name in names]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if os.path.exists(path))
