"""Everything that is done with the course, on every system: `python course.py lab`; without a command it lists them.

Each command first makes the virtual environment .venv and installs what it needs; the second time that takes no time.
Any Python 3 can start this file: it looks for one that is new enough. `make lab` and the like do the same.
"""

# This file itself keeps to the oldest syntax, so that an old Python can say in one line what is wrong.
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
LESSON = "notebooks/00_start_here.ipynb"
COURSE = ["-m", "course_lib"]
# Removed by `clean`: environments and caches. notebooks/ and your work/ stay.
CACHES = [".venv", ".venv-*", ".venv.lock", "build", "dist", "*.egg-info", ".pytest_cache", ".ruff_cache",
          ".hypothesis"]
SOURCES = ["course_lib", "tests", "tools", "benchmarks", "solutions"]


def lab(more):
    """JupyterLab at lesson 00; for root, as in containers, and without a display it wants to be told."""
    options = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        print("No display here: open the address that JupyterLab prints below in a browser.")
        options.append("--no-browser")
    if os.path.exists(os.path.join(ROOT, LESSON)):
        options.append("--LabApp.default_url=/lab/tree/" + LESSON)
    return [["-m", "jupyterlab"] + options + more]


def gpt(more):
    """The minute's model, and then the same prompt continued by it and by the one that comes with the course."""
    train = ["train", "tiny", "--data", "storyworld", "--out", "runs/gpt", "--fresh"]
    return [COURSE + train + more, COURSE + ["generate", "runs/gpt", "small"]]


# name: (what it does, the extra it needs, what .venv's Python is called with, one call after the other). A new command
# is a line here and a word in the Makefile.
COMMANDS = {
    "setup": ("only install: setup, or setup dev, grade or site for what those need", "", lambda more: []),
    "lab": ('open JupyterLab at lesson 00 ("--port=9000" and the like go to JupyterLab)', "", lab),
    "gpt": ('train a GPT for about a minute and let it write ("--data pydoc": on another text)', "", gpt),
    "doctor": ("is everything here, and what to do if not", "", lambda more: [COURSE + ["doctor"] + more]),
    "test": ("run every test, lesson and solution (--student: those for every system; more goes to pytest)", "dev",
             lambda more: [["tools/run_tests.py"] + more]),
    "portable": ("run every lesson and solution with other processors' arithmetic, against what is stored", "dev",
                 lambda more: [["tools/portable.py"] + more]),
    "notebooks": ("rebuild the notebooks that differ from their sources (12_gpt: this one, --all: all)", "dev",
                  lambda more: [["tools/build_notebooks.py"] + more]),
    "check": ("say which notebooks are out of date; starts no kernel", "dev",
              lambda more: [["tools/build_notebooks.py", "--check"] + more]),
    "grade": ('grade what was collected ("12_gpt --jobs 2"); Linux only', "grade",
              lambda more: [COURSE + ["grade"] + more]),
    "site": ("build lessons, glossary, gallery and reference as a site (open build/site/index.html)", "site",
             lambda more: [["tools/mathjax.py"], ["tools/build_site.py"] + more]),
    "bench": ('run the benchmarks and write their tables into benchmarks/README.md ("text": one)', "dev",
              lambda more: [["benchmarks/_all.py"] + more]),
    "clean": ("remove the environments and every cache; notebooks and your work/ stay", None, None),
    "help": ("list the commands", None, None),
}


def main(arguments):
    """Carry out one command; returns its exit status."""
    name, more = (arguments + ["help"])[0], arguments[1:]
    if name in ("help", "-h", "--help"):
        for command, (what, _, _) in COMMANDS.items():
            print("python course.py {:<10} {}".format(command, what))
        return 0
    if name not in COMMANDS:
        return stop("there is no command {!r}; there are {}".format(name, ", ".join(COMMANDS)), 2)
    if sys.version_info < (3, 8):
        version = ".".join(map(str, sys.version_info[:2]))
        return stop("Python 3.11 or newer is needed, and this is {}: install a newer one, and start this file with it, "
                    "as in: python3.11 course.py {}".format(version, name), 1)
    if name == "clean":
        return clean()
    sys.path.insert(0, ROOT)
    from tools.environment import Stop, set_up

    _, extra, calls = COMMANDS[name]
    if name == "grade" and not sys.platform.startswith("linux"):
        extra = ""  # it will refuse, and needs nothing more for that
    if name == "setup" and more:
        extra = more[0]
        if more[1:] or extra not in ("dev", "grade", "site"):
            return stop("setup takes one of dev, grade, site, not {}".format(" ".join(more)), 2)
    try:
        python, environ = set_up(extra)
    except Stop as problem:
        return stop(problem, 1)
    except KeyboardInterrupt:
        return stop("interrupted. Run it again: it goes on where it stopped.", 130)
    status = 0
    if extra == "dev" or name == "site":  # the one thing that the site needs and pip cannot bring
        status = call([str(python), "tools/mathjax.py"] + ["--if-possible"] * (name != "site"), environ)
    for arguments in calls(more):
        status = status or call([str(python)] + arguments, environ)
    return status


def call(command, environ):
    """Run a command in the course's folder and wait for it, through Ctrl-C: that is for the command to answer."""
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    while True:
        try:
            status = process.wait()
            return status if status >= 0 else 128 - status
        except KeyboardInterrupt:
            pass


def stop(problem, status):
    """Say in one line what is wrong; returns the exit status."""
    sys.stderr.write("course: {}\n".format(problem))
    return status


def clean():
    """Remove environments and caches; whatever is in use stays and is named."""
    import glob
    import shutil

    folders = [path for pattern in CACHES for path in glob.glob(os.path.join(glob.escape(ROOT), pattern))]
    for source in SOURCES:
        folders += [os.path.join(path, "__pycache__") for path, names, _ in os.walk(os.path.join(ROOT, source))
                    if "__pycache__" in names]
    for path in folders:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.remove(path)
    left = [os.path.relpath(path, ROOT) for path in folders if os.path.lexists(path)]
    return stop("still in use: {}; close what runs there".format(", ".join(left)), 1) if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
