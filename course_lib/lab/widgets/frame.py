"""Under a slider a picture stands still: its axes stay while its words have room. Used by all lessons with sliders."""

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

SLACK = 2  # pixels by which words may come closer to the edge: half of what the layout leaves there


class Frame:
    """Where the axes of a function's figures lay, and the room that each had there with its words.

    To lay a figure out is to measure every word twice, a third of the work of drawing it. A figure like one before
    takes over its layout, which needs one look at the words; and nothing jumps when a label gets shorter.
    """

    def __init__(self):
        self._known = {}  # size, number of axes, legends and texts -> (places, rooms)

    def put(self, figure: Figure) -> None:
        """Give `figure` its final layout: that of the last one like it if it fits, else its own, kept for the next.

        A figure without a layout engine keeps the axes where it has them.
        """
        if figure.get_layout_engine() is None:
            return
        with plt.rc_context(getattr(figure, "look", {})):
            if not self._take_over(figure):
                figure.get_layout_engine().execute(figure)
                self._known[_kind(figure)] = _places_of(figure), _rooms_of(figure)
        figure.set_layout_engine("none")

    def _take_over(self, figure: Figure) -> bool:
        if _kind(figure) not in self._known:
            return False
        own, (places, rooms) = _places_of(figure), self._known[_kind(figure)]
        for ax, place in zip(figure.axes, places, strict=True):
            ax.set_position(place)
        if all(map(_inside, _rooms_of(figure), rooms)):
            return True
        for ax, place in zip(figure.axes, own, strict=True):
            ax.set_position(place)
            ax.set_in_layout(True)  # `set_position` ends it
        return False


def _kind(figure):
    return *figure.get_size_inches(), len(figure.axes), len(figure.legends), len(figure.texts)


def _places_of(figure):
    return [ax.get_position(original=True) for ax in figure.axes]


def _rooms_of(figure) -> list[Bbox | None]:
    """The boxes, in pixels, around each axes and all its words, each legend and each text of the figure itself."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    rooms = [ax.get_tightbbox(renderer, for_layout_only=True) for ax in figure.axes]
    return rooms + [words.get_tightbbox(renderer) for words in (*figure.legends, *figure.texts)]


def _inside(words, room) -> bool:
    if words is None or room is None:
        return words is room
    room = room.padded(SLACK)
    return room.x0 <= words.x0 and room.y0 <= words.y0 and words.x1 <= room.x1 and words.y1 <= room.y1
