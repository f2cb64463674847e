"""`make portable`: the arithmetic of other processors is really another."""

import nbformat
import pytest
from nbclient import NotebookClient

from tools import portable


@pytest.fixture(scope="module")
def own():
    return portable.probed({})


def test_an_arithmetic_is_the_same_each_time_and_another_one_is_another(own):
    assert portable.probed({}) == own and len(own) == 2 + len(portable.PROBES)
    changed = {name: portable.probed(environment)[2:] for name, environment in portable.arithmetics().items()}
    assert any(values != own[2:] for values in changed.values()), "no variable has an effect on this processor"


def test_the_second_one_changes_numpy_too():
    assert set(portable.ARITHMETICS["default"].items()) < set(portable.arithmetics()["default"].items())


def test_where_nothing_changes_nothing_is_claimed(monkeypatch, capsys, own):
    monkeypatch.setattr(portable, "probed", lambda environment: own)
    assert portable.main([]) == 1
    assert "nothing was shown" in capsys.readouterr().err


def test_a_notebook_that_hangs_on_rounding_fails_and_another_does_not(tmp_path, monkeypatch, capfd):
    """All digits of a sum hang on the order in which a processor adds; its sign does not."""
    made = ("import torch\ntorch.set_num_threads(1)\ngenerator = torch.Generator().manual_seed(0)\n"
            "sum_of_products = (torch.randn(200, 200, generator=generator) @ torch.randn(200, 200, generator=generator)"
            ".square()).sum().item()")
    for name, printed in {"hangs": "sum_of_products", "holds": "sum_of_products > 0"}.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (made, printed)])
        NotebookClient(notebook, kernel_name="python3").execute()
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(portable, "JOBS", "0")
    assert portable.main([str(tmp_path)]) == 1
    failed = {line for line in capfd.readouterr().out.splitlines() if line.startswith("FAILED")}
    assert failed and all("hangs.ipynb::Cell 1" in line for line in failed)
