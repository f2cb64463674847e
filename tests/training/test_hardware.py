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
    ("A100-SXM4-40GB", "A100 40GB"),
])
def test_a_device_is_found_by_the_name_it_reports(reported, name):
    assert find_hardware(reported) is HARDWARE[name]


@pytest.mark.parametrize("reported", [
    "NVIDIA GeForce GTX 1080", "NVIDIA T400", "NVIDIA T400 4GB", "NVIDIA T4G", "NVIDIA GH200 480GB",
    "NVIDIA GH200 120GB", "NVIDIA H200 NVL", "NVIDIA H100 PCIe", "NVIDIA H100 NVL", "NVIDIA A100-PCIE-40GB",
    "NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    "NVIDIA H200 MIG 1g.18gb", "NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 4090 D", "NVIDIA H20",
    "NVIDIA A100-SXM-64GB", "NVIDIA RTX 4000 Ada Generation", "", "Tesla",
])
def test_a_device_with_another_data_sheet_is_none(reported):
    assert find_hardware(reported) is None


def test_no_name_is_reported_twice():
    names = [name for each in HARDWARE.values() for name in each.reported]
    assert len(set(names)) == len(names)
    assert {each.dtype for each in HARDWARE.values()} == {"bfloat16", "float16"} and HARDWARE["T4"].dtype == "float16"
