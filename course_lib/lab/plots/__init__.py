"""The course's figures: pure functions from arrays to matplotlib figures, in one visual language.

Each takes `caption` and `alt` by name, always: what to see in the picture, and what a reader gets who cannot see it.
In a notebook (the caption appears below the picture):

    figure = plots.token_strip(pieces, bits, unit="bits",
                               caption="Dark: surprising.", alt="A sentence; its names are dark.")
    plt.show()
    print(figure.summary)

`with plots.use_theme("dark"):` draws on dark ground. `figure.png()` gives the file's bytes and closes the figure.
"""

from course_lib.lab.plots.attention import attention_map, attention_maps
from course_lib.lab.plots.bars import grouped_bars, ladder, speed_ladder, stacked_bars
from course_lib.lab.plots.curves import curves, schedule_curve, training_curve
from course_lib.lab.plots.figure import CourseFigure, course_figure, new_canvas, new_figure, numbers
from course_lib.lab.plots.fonts import printable
from course_lib.lab.plots.graphs import graph
from course_lib.lab.plots.grids import labelled_grid, labelled_grids
from course_lib.lab.plots.histograms import layer_histograms
from course_lib.lab.plots.html import TokenHTML, token_html
from course_lib.lab.plots.surface import decision_surface
from course_lib.lab.plots.theme import theme, use_theme
from course_lib.lab.plots.timelines import memory_timeline, timeline
from course_lib.lab.plots.tokens import next_token_bars, token_strip
from course_lib.lab.plots.trade_offs import trade_off
from course_lib.lab.plots.trees import tree
from course_lib.lab.plots.word_map import word_map

__all__ = ["CourseFigure", "TokenHTML", "attention_map", "attention_maps", "course_figure", "curves",
           "decision_surface", "graph", "grouped_bars", "labelled_grid", "labelled_grids", "ladder",
           "layer_histograms", "memory_timeline", "new_canvas", "new_figure", "next_token_bars", "numbers",
           "printable", "schedule_curve", "speed_ladder", "stacked_bars", "theme", "timeline", "token_html",
           "token_strip", "trade_off", "training_curve", "tree", "use_theme", "word_map"]
