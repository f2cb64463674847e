# How nbgrader finds what `course grade` writes, so that Formgrader shows it (JupyterLab, menu Nbgrader → Formgrader).
# There is no submitted folder on purpose: nbgrader must not run a submission; `course grade` does, in a sandbox.
from pathlib import Path

c = get_config()  # noqa: F821
root = Path(__file__).resolve().parent
c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "course"
c.CourseDirectory.db_url = f"sqlite:///{root}/.nbgrader/gradebook.db"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = ".nbgrader/submitted"
c.CourseDirectory.autograded_directory = ".nbgrader/autograded"
c.CourseDirectory.feedback_directory = ".nbgrader/feedback"
# nbgrader copies whatever lies beside a notebook: the answers must not go along.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.nb.py", "checks.py", "checks"]
