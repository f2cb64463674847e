"""Launch links: the badges and the set-up cell that let a lesson start on Colab, Kaggle and Binder.

Part of the authors' tools; no lesson derives it. One line of pyproject.toml feeds it: `Repository`, under
`[project.urls]`. While that line says OWNER there is no public address, and the lessons carry neither.
"""

import tomllib
from pathlib import Path

# The install part silently does nothing where the course is there already.
INSTALL = '''import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_lib") is None:  # Colab and Kaggle: fetch the course, once
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "git+{repository}"], check=True)
'''


def public_repository(pyproject: Path) -> str | None:
    """The public address in a pyproject.toml, or None while it still says OWNER (or says nothing)."""
    urls = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"].get("urls", {})
    address = urls.get("Repository", "").removesuffix(".git").rstrip("/")
    return None if not address or "/OWNER/" in address else address


def badges(repository: str, path: str) -> str:
    """One markdown line that opens the notebook `path` (from the root of the repository) in three places."""
    owner_and_name = repository.split("github.com/")[-1]
    colab = f"https://colab.research.google.com/github/{owner_and_name}/blob/main/{path}"
    kaggle = f"https://kaggle.com/kernels/welcome?src={repository}/blob/main/{path}"
    binder = f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath=lab/tree/{path}"
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
        f"[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]({kaggle}) "
        f"[![Launch in Binder](https://mybinder.org/badge_logo.svg)]({binder})"
    )


def add_launch(cells: list, repository: str | None, path: str) -> None:
    """Complete, in place, the markdown cell tagged `badges` and the code cell tagged `setup`.

    Without a public repository both stay as the source has them.
    """
    if repository is None:
        return
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if "badges" in tags and cell.cell_type == "markdown":
            cell.source = f"{cell.source}\n\n{badges(repository, path)}"
        if "setup" in tags and cell.cell_type == "code":
            cell.source = f"{INSTALL.format(repository=repository)}\n{cell.source}"
