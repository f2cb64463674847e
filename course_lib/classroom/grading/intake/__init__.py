"""From whatever a student handed in to the release notebook with that student's answers in it.

Part of grading; no lesson derives it.

`reading` finds and reads a notebook, `matching` finds each answer in it, `rebuilding` puts
the answers into a fresh copy of the release.
"""
