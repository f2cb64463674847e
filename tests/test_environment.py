"""pyproject.toml, constraints.txt and environment.yml say the same, and declare everything that is imported."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib

import jupytext
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.installing import what_to_install

# Where the name to import is not the name to install.
IMPORT_NAMES = {"pillow": "PIL", "pyyaml": "yaml", "ipython": "IPython"}
# With PyTorch's CUDA build come packages whose versions only that build decides.
CUDA = ("nvidia-", "cuda-", "triton", "pytorch-triton")


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pins(repository):
    """Canonical name → version, of constraints.txt."""
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs), "constraints.txt holds lines of the form name==version"
    names = [canonicalize_name(name) for name, _ in pairs]
    assert len(set(names)) == len(names), "a package is pinned twice"
    return dict(zip(names, (Version(version) for _, version in pairs), strict=True))


@pytest.fixture(scope="module")
def conda(repository):
    return yaml.safe_load((repository / "environment.yml").read_text(encoding="utf-8"))


def requirements(project, *extras):
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def test_every_dependency_is_pinned_within_its_range(project, pins):
    wanted = requirements(project, *project["optional-dependencies"])
    assert set(wanted) - set(pins) == set(), "pin these in constraints.txt"
    outside = {name: f"{pins[name]} not {r.specifier}" for name, r in wanted.items() if pins[name] not in r.specifier}
    assert outside == {}


def test_everything_that_comes_along_is_pinned_too(project, pins):
    """All that pip installs for the course, however indirectly, has its version in constraints.txt."""
    waiting, seen = list(requirements(project, "dev").values()), set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        asked = (name, frozenset(requirement.extras))
        if asked in seen or name.startswith(CUDA):
            continue
        seen.add(asked)
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            contexts = [{"extra": extra} for extra in ("", *requirement.extras)]
            if needed.marker is None or any(needed.marker.evaluate(context) for context in contexts):
                waiting.append(needed)
    assert {name for name, _ in seen} - set(pins) == set(), "pin these in constraints.txt"


def test_pins_admit_every_python_that_we_promise(pins, project):
    """A pin that wants a later patch of the oldest Python (3.11.5, say) breaks on distributions that stay at 3.11.2."""
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    refuses = {}
    for name in pins:
        try:
            wants = importlib.metadata.metadata(name)["Requires-Python"]
        except importlib.metadata.PackageNotFoundError:
            continue  # pinned for another system
        if wants and oldest not in SpecifierSet(wants):
            refuses[name] = wants
    assert refuses == {}


def test_torch_is_pinned_and_other_versions_are_allowed(project, pins):
    torch = requirements(project)["torch"].specifier
    assert pins["torch"] in torch and {s.operator for s in torch} == {">="}


def test_conda_installs_the_same(project, conda):
    assert conda["channels"] == ["conda-forge", "nodefaults"]
    *from_conda, from_pip = conda["dependencies"]
    assert "pip" in from_conda and from_pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}, (
        "pip must install the course itself, with its constraints: only then can the files not drift"
    )
    python = re.fullmatch(r"python=(3\.\d+)", from_conda[0])  # Binder understands no other form
    assert python and Version(python[1]) in SpecifierSet(project["requires-python"])


def test_setup_installs_the_same():
    assert what_to_install("") == ["-c", "constraints.txt", "-e", "."]
    assert what_to_install("dev") == ["-c", "constraints.txt", "-e", ".[dev]"]


def test_dev_holds_the_other_extras(project):
    """Set-up relies on it: where dev is installed, nothing more is needed for grade and site."""
    assert set(project["optional-dependencies"]) == {"grade", "site", "dev"}
    dev = set(project["optional-dependencies"]["dev"])
    for extra in ("grade", "site"):
        assert set(project["optional-dependencies"][extra]) - dev == set()


def catches_import_error(block):
    return any(isinstance(handler.type, ast.Name) and handler.type.id == "ImportError" for handler in block.handlers)


def imports(source):
    """Names of the packages that a source cannot do without: what it tries to import, it can."""
    tree = ast.parse(source)
    tried = {id(node) for block in ast.walk(tree) if isinstance(block, ast.Try) and catches_import_error(block)
             for statement in block.body for node in ast.walk(statement)}
    for node in ast.walk(tree):
        if id(node) in tried:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def undeclared(sources, declared, *more):
    """Imported names that are neither standard library, nor declared, nor in `more`."""
    names = {IMPORT_NAMES.get(name, name.replace("-", "_")).lower() for name in declared}
    names |= {name.lower() for name in (*sys.stdlib_module_names, "course_lib", "IPython", *more)}
    return {name for source in sources for name in imports(source) if name.lower() not in names}


def texts(*paths):
    return [path.read_text(encoding="utf-8") for path in paths]


def test_the_package_imports_what_it_declares(repository, project):
    files = list((repository / "course_lib").rglob("*.py"))
    students = [f for f in files if not {"authoring", "grading"} & set(f.parts)]
    assert undeclared(texts(*students), requirements(project)) == set(), "students do not install the dev extra"
    authors = (repository / "course_lib" / "classroom" / "authoring").glob("*.py")
    assert undeclared(texts(*authors), requirements(project, "dev")) == set()
    instructors = [f for f in files if "grading" in f.parts]
    assert undeclared(texts(*instructors), requirements(project, "grade")) == set()


def test_lessons_import_what_a_student_has(repository, project):
    sources = [*repository.glob("notebooks/*.py"), *repository.glob("solutions/**/*.py")]
    cells = [
        "\n".join(c.source for c in jupytext.read(path, fmt="py:percent").cells if c.cell_type == "code")
        for path in sources
    ]
    assert undeclared(cells, requirements(project)) == set(), "a lesson may import only what `make lab` installs"


def test_tests_and_tools_import_what_dev_declares(repository, project):
    files = [*repository.glob("tests/**/*.py"), *repository.glob("tools/*.py"), *repository.glob("benchmarks/**/*.py")]
    files += [repository / "conftest.py", repository / "course.py"]
    local = [path.stem for folder in ("benchmarks", "docs/_ext") for path in repository.glob(f"{folder}/*.py")]
    local += ["tools", "tests", "course", "benchmarks", "_pytest"]
    found = undeclared(texts(*files), requirements(project, "dev"), *local)
    assert found == set()


def test_to_read_a_notebook_takes_no_grammar():
    """It once took three seconds of every command, kernel and submission: see constraints.txt."""
    code = "import nbformat, sys; print('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
