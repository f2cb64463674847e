"""`make portable`: the arithmetic of other processors is really another, and what hangs on it is found."""

import nbformat
import pytest

from tools import portable

# A sum of products, whose last bit depends on the order of adding. Every float32 has an exact name in hexadecimal.
HANGS = "import torch\na = torch.randn(200, 200, generator=torch.Generator().manual_seed(0))\n"
HANGS += "float((a @ a).sum()).hex()"
HOLDS = HANGS.replace("float((a @ a).sum()).hex()", "round(float((a @ a).sum()))")


def executed(path, source):
    """A notebook of one cell, with the output that this processor's own arithmetic gives."""
    space = {}
    *lines, last = source.splitlines()
    exec("\n".join(lines), space)
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    value = nbformat.v4.new_output("execute_result", data={"text/plain": repr(eval(last, space))}, execution_count=1)
    cell.outputs = [value]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return str(path)


@pytest.fixture(scope="module")
def own():
    return portable.probed({})


def test_an_arithmetic_is_the_same_each_time_and_another_one_is_another(own):
    assert portable.probed({}) == own and len(own) == 2 + len(portable.PROBES)
    changed = {name: portable.probed(environment)[2:] for name, environment in portable.arithmetics().items()}
    assert any(values != own[2:] for values in changed.values()), "no variable has an effect on this processor"


def test_the_second_one_changes_numpy_too():
    assert set(portable.ARITHMETICS["default"].items()) < set(portable.arithmetics()["default"].items())


def test_what_hangs_on_rounding_fails_and_what_does_not_passes(tmp_path, monkeypatch, capfd):
    own = portable.probed({})[2]
    changing = {name: e for name, e in portable.arithmetics().items() if portable.probed(e)[2] != own}
    if not changing:
        changing = dict(list(portable.arithmetics().items())[-1:])
    monkeypatch.setattr(portable, "arithmetics", lambda: changing)
    monkeypatch.setattr(portable, "JOBS", "0")
    options = ["-p", "conftest", "--rootdir", str(portable.ROOT), "-c", str(portable.ROOT / "pyproject.toml")]
    assert portable.main([executed(tmp_path / "holds.ipynb", HOLDS), *options]) == 0
    assert "all outputs are as stored" in capfd.readouterr().out
    assert portable.main([executed(tmp_path / "hangs.ipynb", HANGS), *options]) == 1
    said = capfd.readouterr().out
    assert "rounded differently" in said and "outputs differ with" in said


def test_where_nothing_changes_nothing_is_claimed(monkeypatch, capsys, own):
    monkeypatch.setattr(portable, "probed", lambda environment: own)
    assert portable.main([]) == 1
    assert "nothing was shown" in capsys.readouterr().err
