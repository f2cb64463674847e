"""What moves in a lesson: each is alive in Jupyter and a still picture everywhere else."""

from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.explore import Explore, explore
from course_lib.lab.widgets.live_map import LiveMap
from course_lib.lab.widgets.next_token import NextToken
from course_lib.lab.widgets.training import Dashboard

__all__ = ["Dashboard", "Explore", "LiveMap", "NextToken", "Widget", "explore"]
