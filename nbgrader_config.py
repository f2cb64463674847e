# How nbgrader finds what `course grade` writes, so that Formgrader shows it (JupyterLab, menu Nbgrader → Formgrader).
# There is no submitted folder on purpose: nbgrader must not run a submission; `course grade` does, in a sandbox.
import os
import sysconfig
from pathlib import Path

import course_lib

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
# Pages that hold a student's work: formulas by this machine's own MathJax, and nothing from the web.
c.HTMLExporter.template_file = str(Path(course_lib.__file__).parent / "classroom" / "grading" / "formgrader.html.j2")
markup = "course_lib.classroom.grading.markup"
c.HTMLExporter.filters = {"from_here": f"{markup}.from_here", "markdown2html": f"{markup}.clean_markdown"}
c.HTMLExporter.sanitize_html = True
c.NbConvertBase.display_data_priority = ["image/png", "text/plain"]
# nbgrader starts programs by their names, and they lie beside this Python, wherever the PATH leads.
scripts, path = sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)
if scripts not in path.split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join((scripts, path))
