"""One way to build a widget: a state, a pure picture of it, controls that change it. Used by all lessons with widgets.

    class Zoom(Widget):
        name, label = "zoom", "A sine, closer and closer"

        def __init__(self):
            super().__init__(state={"k": 1})

        def controls(self):
            return [slider("k", range(1, 9), "periods")]

        def draw(self, state):
            return plots.something(state["k"])

As the last line of a cell, `Zoom()` is alive in Jupyter. In a test, in print and on GitHub it is a still picture and
one line in words, which is what a notebook stores.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from course_lib.lab.progress import headless
from course_lib.lab.widgets.cells import now_shown
from course_lib.lab.widgets.control import Control
from course_lib.lab.widgets.picture import Picture, picture_of, picture_of_error


class Widget:
    """A state that people move and a picture of it. A subclass says `draw`, and as much of the rest as it needs.

    `name` also names the files beside the package's panel.js that belong to this widget alone (name.js, name.css).
    `label` is what a screen reader calls it. All that a person does is handled on the main thread, between cells: a
    widget never draws while a cell computes, unless that cell calls `handle`.
    """

    name: str = "widget"
    label: str = "A widget"

    def __init__(self, *, state: dict[str, Any] | None = None):
        self.state: dict[str, Any] = dict(state or {})
        self._front, self._loop, self._turn = None, None, 0
        self._inbox: deque[dict] = deque()  # messages of the browser: {"actions": [[name, value], …], "turn": …}

    def draw(self, state: dict[str, Any]) -> object:
        """The picture of `state`, a pure function: a figure, an object with `_repr_html_`, a `Picture`, or a text."""
        raise NotImplementedError(f"{type(self).__name__} needs a method draw(state)")

    def still(self, state: dict[str, Any]) -> object:
        """The picture for print and GitHub, where it differs from `draw`: GitHub shows figures, but strips HTML."""
        return self.draw(state)

    def controls(self) -> Sequence[Control]:
        """The controls above the picture, as they are now; a control's `name` is its key in the state."""
        return ()

    def act(self, name: str, value: Any) -> None:
        """What happens when control `name` is moved to `value`, or a button of the picture sends them."""
        self.state[name] = value

    def set(self, **values: Any) -> None:
        """Do what a person at the controls would do, with values instead of positions, and draw."""
        for name, value in values.items():
            self.act(name, value)
        self.redraw()

    def picture(self) -> Picture:
        """The picture of the present state; what `draw` raises becomes a picture, too."""
        return self._picture(self.draw)

    def redraw(self) -> None:
        """Show the present state in the browser; nothing to do where there is none."""
        if self._front is not None:
            self._show(self.picture(), self._described())

    def close(self) -> None:
        """Free the browser's half; showing the widget again makes a new one."""
        if self._front is not None:
            self._front.close()
        self._front = None

    def handle(self) -> None:
        """Do all that people have asked for since the last time, then draw once. Called between cells.

        A cell that computes for long may call it, on the main thread, to stay responsive.
        """
        if not self._inbox:
            return
        moved = {control.name: control for control in self.controls()}
        while self._inbox:
            message = self._inbox.popleft()
            self._turn = message.get("turn", 0)
            try:
                for name, sent in message.get("actions", ()):
                    self.act(name, moved[name].read(sent) if name in moved else sent)
            except Exception as error:
                return self._complain(error)
        self.redraw()

    def __repr__(self) -> str:
        return self._picture(self.still).words

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        still = self._picture(self.still)
        if headless():
            return still.bundle()
        self._open(still if type(self).still is Widget.still else self.picture())
        now_shown(self)
        return self._front._repr_mimebundle_()[0] | still.bundle()

    def _open(self, picture: Picture) -> None:
        if self._front is not None:
            return
        from course_lib.lab.widgets.front import front_class  # a notebook that is only tested never needs it

        self._turn = 0
        self._front = front_class(self.name)(kind=self.name, label=self.label, controls=self._described(),
                                             picture=picture.as_html(), words=picture.words)
        self._front.on_msg(self._receive)
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def _receive(self, _, message: dict, buffers) -> None:
        """While a cell runs, JupyterLab delivers on a second thread; pyplot has no locks, so the main one does it."""
        self._inbox.append(message)
        if self._loop is None:
            self.handle()
        else:
            self._loop.call_soon_threadsafe(self.handle)

    def _described(self) -> list[dict]:
        return [control.described(self.state.get(control.name)) for control in self.controls()]

    def _picture(self, draw) -> Picture:
        try:
            return picture_of(draw(dict(self.state)))
        except Exception as error:
            if headless():
                raise
            return picture_of_error(error)

    def _complain(self, error: Exception) -> None:
        while self._inbox:  # what was asked after the mistake is answered with it
            self._turn = self._inbox.popleft().get("turn", 0)
        self._show(picture_of_error(error), self._front.controls)

    def _show(self, picture: Picture, controls: list[dict]) -> None:
        with self._front.hold_sync():
            self._front.controls, self._front.answered = controls, self._turn
            self._front.picture, self._front.words = picture.as_html(), picture.words
            self._front.count += 1
