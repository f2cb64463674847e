"""`make bench` puts what was printed where it belongs, and nowhere else."""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"
README = """# Title

<!-- python benchmarks/text.py -->
old
<!-- end -->

By hand.

<!-- python benchmarks/text.py --large -->

<!-- end -->
"""


def load():
    spec = importlib.util.spec_from_file_location("benchmarks_all", FOLDER / "_all.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_the_block_of_the_command_is_replaced():
    bench = load()
    assert bench.commands(README) == [("text", ["text.py"]), ("text", ["text.py", "--large"])]
    once = bench.replaced(README, ["text.py", "--large"], "\\1 | new\n\n")
    assert once == README.replace("--large -->\n\n", "--large -->\n\\1 | new\n")
    assert bench.replaced(once, ["text.py"], "newer") == once.replace("old", "newer")
    assert bench.replaced(README, ["gpu.py"], "new") == README


def test_every_benchmark_has_its_block_and_every_block_its_benchmark():
    named = {name for name, _ in load().commands((FOLDER / "README.md").read_text(encoding="utf-8"))}
    assert named == {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")} - {"gpu"}
