"""The map of the course, whose links open lessons and whose progress stays fresh. Shown in lesson 00 (start_here)."""

from typing import Any

from course_lib.lab.course_map import CourseMap
from course_lib.lab.widgets.base import Widget


class LiveMap(Widget):
    """`CourseMap`, alive: in JupyterLab a lesson opens in a tab beside this one, and what you have finished since
    is marked as soon as you look at the map again.
    """

    name, label = "live_map", "The course and how far you are"

    def draw(self, state: dict[str, Any]) -> CourseMap:
        """The map as the files say it now."""
        return CourseMap()

    def act(self, name: str, value: Any) -> None:
        """Whatever was asked, the map is drawn anew from the files."""
