"""From whatever a student handed in to the release notebook with that student's answers in it.

Part of grading; no lesson derives it.

`reading` reads a notebook, `archive` those in a zip archive, `matching` finds each answer, `rebuilding` puts
the answers into a fresh copy of the release, `choosing` tells which of several files is the submission.
"""
