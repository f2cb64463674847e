"""What runs the notebooks: the kernel that JupyterLab starts, started and asked. Used by lesson 00 (start_here).

A kernel called python3 may start any Python: one that another project left in the user's own folder comes before the
course's where the course's environment belongs to somebody else.
"""

import ast
import json
import os
import subprocess
import sys

from course_lib.doctor.finding import INSTALLS, Finding
from course_lib.doors.folders import course_root

NAME, SECONDS = "python3", 60
PACKAGES = ("torch", "numpy", "matplotlib", "ipywidgets", "anywidget")
ASK = f"""
import importlib.metadata, importlib.util, json, os, platform, sys
def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
spec = importlib.util.find_spec("course_lib")
answer = json.dumps({{"executable": sys.executable, "prefix": os.path.realpath(sys.prefix),
                     "Python": platform.python_version(), "course_lib": spec and os.path.realpath(spec.origin),
                     **{{package: version(package) for package in {PACKAGES!r}}}}})
"""


def kernel() -> list[Finding]:
    """Whether the notebooks get the Python, the packages and the course that this process has."""
    what = "Jupyter kernel"
    if "ipykernel.kernelapp" in sys.modules:
        return [Finding(what, "found: this one")]
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return [Finding(what, "Jupyter is missing", False, INSTALLS)]
    install = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec(NAME)
    except NoSuchKernel:
        return [Finding(what, "none", False, install)]
    try:
        there = ask_kernel()
    except Exception as error:  # whatever keeps a foreign program from starting
        line = " ".join(str(error).split())[:200] or type(error).__name__
        return [Finding(what, f"{NAME} does not start: {line}", False, f"{install} (it is {spec.resource_dir} now)")]
    here = _here()
    differ = [f"{name} {there[name] or 'missing'}, here {here[name]}" for name in here if there[name] != here[name]]
    if not differ:
        return [Finding(what, f"{NAME} starts this Python")]
    ours = os.path.realpath(spec.resource_dir).startswith(os.path.realpath(sys.prefix) + os.sep)
    advice = install if ours else (f"the kernel in {spec.resource_dir} comes before the course's: remove it, or set "
                                   "JUPYTER_PREFER_ENV_PATH=1 before you start JupyterLab")
    if there["prefix"] != here["prefix"]:
        return [Finding(what, f"{NAME} starts another Python: {there['executable']}", False, advice)]
    return [Finding(what, f"{NAME} finds other packages: {'; '.join(differ)}", False,
                    "something in the kernel's environment (PYTHONPATH?) leads it elsewhere")]


def ask_kernel() -> dict:
    """Start the kernel as JupyterLab would for a lesson, ask it what it is, stop it. Raises whatever goes wrong."""
    from jupyter_client.manager import start_new_kernel

    folder = str(course_root() / "notebooks")
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager, client = start_new_kernel(SECONDS, NAME, cwd=folder if os.path.isdir(folder) else None, **silent)
    try:
        reply = client.execute(ASK, reply=True, timeout=SECONDS, store_history=False,
                               user_expressions={"answer": "answer"})["content"]
        if reply["status"] != "ok":
            raise RuntimeError(f"{reply['ename']}: {reply['evalue']}")
        return json.loads(ast.literal_eval(reply["user_expressions"]["answer"]["data"]["text/plain"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _here():
    """The same answers from this process."""
    names: dict = {}
    exec(ASK, names)
    return {name: value for name, value in json.loads(names["answer"]).items() if name != "executable"}

