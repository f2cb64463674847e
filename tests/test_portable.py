"""`make portable`: the arithmetic of other processors is really another."""

import pytest

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
