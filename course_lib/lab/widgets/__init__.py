"""What moves in a lesson: each is alive in Jupyter and a still picture everywhere else."""

from course_lib.lab.widgets.attention_viewer import AttentionViewer
from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.computation import Step
from course_lib.lab.widgets.explore import Explore, explore
from course_lib.lab.widgets.graph_stepper import GraphStepper
from course_lib.lab.widgets.live_map import LiveMap
from course_lib.lab.widgets.merge_stepper import MergeStepper
from course_lib.lab.widgets.microscope import Microscope
from course_lib.lab.widgets.next_token import NextToken
from course_lib.lab.widgets.training import Dashboard

__all__ = ["AttentionViewer", "Dashboard", "Explore", "GraphStepper", "LiveMap", "MergeStepper", "Microscope",
           "NextToken", "Step", "Widget", "explore"]
