"""Stories from our own grammar, with consistent state and exactly known entropy. Derived in lesson 12 (gpt).

Start with `story.py` (the doors), then `plot.py` (how a story goes), `going.py` (the first events).
"""

from course_lib.worlds.storyworld.chooser import Dice, NotAStory, Reader, Walk
from course_lib.worlds.storyworld.story import (
    Question,
    Story,
    every_story,
    read_story,
    source_entropy,
    stories,
    story_seed,
    tell_story,
)
from course_lib.worlds.storyworld.world import DEFAULT, World

__all__ = ["DEFAULT", "Dice", "NotAStory", "Question", "Reader", "Story", "Walk", "World", "every_story",
           "read_story", "source_entropy", "stories", "story_seed", "tell_story"]
