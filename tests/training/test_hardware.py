import pytest

from course_lib.training.hardware import HARDWARE, find_hardware


def test_the_data_sheets_hang_together():
    for name, each in HARDWARE.items():
        assert each.name == name and "NVIDIA" in each.source
        assert 1e12 < each.peak < 1e15 and 1e10 < each.memory < 2e11
        assert each.network <= each.link < each.bandwidth < each.peak / 10


@pytest.mark.parametrize(("reported", "name"), [
    ("NVIDIA H200", "H200"), ("NVIDIA H100 80GB HBM3", "H100"), ("NVIDIA A100-SXM4-40GB", "A100 40GB"),
    ("NVIDIA A100-SXM4-80GB", "A100 80GB"), ("NVIDIA GeForce RTX 4090", "RTX 4090"), ("Tesla T4", "T4"),
])
def test_a_device_is_found_by_the_name_it_reports(reported, name):
    assert find_hardware(reported) is HARDWARE[name]


def test_an_unlisted_device_is_none():
    assert find_hardware("NVIDIA GeForce GTX 1080") is None
