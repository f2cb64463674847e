"""What moves in a lesson: each is alive in Jupyter and a still picture everywhere else."""

from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.explore import Explore, explore

__all__ = ["Explore", "Widget", "explore"]
