"""The course's figures: pure functions from arrays to matplotlib figures, in one visual language."""

from course_lib.lab.plots.curves import ladder, schedule_curve, training_curve
from course_lib.lab.plots.figure import CourseFigure, in_course_style, new_figure, printable
from course_lib.lab.plots.grids import attention_maps, labelled_grid
from course_lib.lab.plots.tokens import next_token_bars, token_strip

__all__ = ["CourseFigure", "attention_maps", "in_course_style", "labelled_grid", "ladder", "new_figure",
           "next_token_bars", "printable", "schedule_curve", "token_strip", "training_curve"]
