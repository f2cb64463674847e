"""Run the tests of doors/, worlds/, text/ and byhand/, without torch, on the other Python versions of this machine.

    python tools/other_pythons.py [INTERPRETER ...]

Without names: every python3.N (N >= 11) on the PATH that really starts and is not the version that runs this file.
Each gets its own small environment, .venv-3.N, made once. Test files that import torch are left to the main run.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.surroundings import pip_settings  # noqa: E402

PACKAGES = "numpy Babel regex platformdirs pytest hypothesis tiktoken tokenizers rustbpe nltk packaging".split()
WITHOUT_TORCH = ("doors", "worlds", "text", "byhand")  # packages that never import it
NEEDS_TORCH = {"torch", "transformers", "safetensors"}
FIRST, LAST = 11, 20  # minor versions to look for


def starts(interpreter: str) -> bool:
    """Whether a command is a Python that runs; a name on the PATH can be an empty shell."""
    try:
        return subprocess.run([interpreter, "-c", ""], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def others() -> list[str]:
    """Every other version on the PATH that starts."""
    minors = [minor for minor in range(FIRST, LAST) if minor != sys.version_info.minor]
    found = [shutil.which(f"python3.{minor}") for minor in minors]
    return [path for path in found if path and starts(path)]


def version_of(interpreter: str) -> str:
    """Such as 3.12."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def environment(interpreter: str, version: str) -> Path:
    """The interpreter of .venv-VERSION, with what these tests need; made on the first call, then reused."""
    folder = ROOT / f".venv-{version}"
    python, stamp = folder / "bin" / "python", folder / "installed-with"
    wanted = hashlib.sha256((ROOT / "constraints.txt").read_bytes() + " ".join(PACKAGES).encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted and starts(str(python))):
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", *PACKAGES]
        subprocess.run(install, env={**os.environ, **pip_settings(python, os.environ)}, check=True)
        stamp.write_text(wanted, encoding="utf-8", newline="\n")
    return python


def files_without_torch() -> list[str]:
    """Test files of doors/, worlds/, text/ and byhand/ that can be imported where torch is not installed."""
    files = [path for part in WITHOUT_TORCH for path in sorted((ROOT / "tests" / part).rglob("test_*.py"))]
    return [str(path.relative_to(ROOT)) for path in files if not imports(path) & NEEDS_TORCH]


def imports(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, and `torch` for a module of ours that needs it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
        else:
            continue
        for module in modules:
            package, _, part = module.partition(".")
            names.add("torch" if package == "course_lib" and not part.startswith(WITHOUT_TORCH) else package)
    return names


def main(names: list[str]) -> int:
    chosen = names or others()
    this = ".".join(map(str, sys.version_info[:2]))
    if not chosen:
        print(f"other Pythons: none starts here; everything runs on {this}")
        return 0
    failed = 0
    for interpreter in chosen:
        version = version_of(interpreter)
        what = "doors/, worlds/, text/ and byhand/"
        print(f"other Pythons: {what} on {version} ({interpreter}), without torch", flush=True)
        python = environment(interpreter, version)
        options = ["-q", "-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider"]
        files = files_without_torch()
        failed |= subprocess.run([python, "-m", "pytest", *options, *files], cwd=ROOT).returncode if files else 0
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
