"""What accelerators can do, from their data sheets. Used in lesson 15 (scale).

A data sheet's peak is for dense products, half of the "with sparsity" figure printed large; what a real product
reaches is measured by `cost.measure_peak` and is lower.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hardware:
    """One kind of device, as it stands in a machine with others of its kind."""

    name: str
    peak: float  # FLOP/s of dense matrix products in `dtype`, with float32 sums
    memory: float  # bytes
    bandwidth: float  # bytes/s between memory and cores
    link: float  # bytes/s from a device to others of its machine, one way
    network: float  # bytes/s from a device to other machines, one way
    per_machine: int
    source: str
    reported: tuple[str, ...]  # what `torch.cuda.get_device_name` calls it, older drivers included
    dtype: str = "bfloat16"  # what a run trains in here


HARDWARE = {each.name: each for each in (
    Hardware("T4", 65e12, 16e9, 320e9, 16e9, 1.25e9, 4,
             "NVIDIA T4 data sheet; it has no bf16, so its float16 peak; PCIe 3.0 x16; 10 Gb/s Ethernet",
             ("Tesla T4",), "float16"),
    Hardware("RTX 4090", 165.2e12, 24e9, 1008e9, 32e9, 1.25e9, 4,
             "NVIDIA Ada GPU architecture white paper, appendix A; PCIe 4.0 x16; 10 Gb/s Ethernet",
             ("NVIDIA GeForce RTX 4090",)),
    Hardware("A100 40GB", 312e12, 40e9, 1555e9, 300e9, 25e9, 8,
             "NVIDIA A100 data sheet; NVLink 600 GB/s both ways; DGX A100: 200 Gb/s InfiniBand a GPU",
             ("NVIDIA A100-SXM4-40GB", "A100-SXM4-40GB")),
    Hardware("A100 80GB", 312e12, 80e9, 2039e9, 300e9, 25e9, 8,
             "NVIDIA A100 data sheet (SXM); NVLink 600 GB/s both ways; DGX A100: 200 Gb/s InfiniBand a GPU",
             ("NVIDIA A100-SXM4-80GB", "A100-SXM4-80GB")),
    Hardware("H100", 989e12, 80e9, 3350e9, 450e9, 50e9, 8,
             "NVIDIA H100 data sheet (SXM); NVLink 900 GB/s both ways; DGX H100: 400 Gb/s InfiniBand a GPU",
             ("NVIDIA H100 80GB HBM3",)),
    Hardware("H200", 989e12, 141e9, 4800e9, 450e9, 50e9, 8,
             "NVIDIA H200 data sheet (SXM); NVLink 900 GB/s both ways; DGX H200: 400 Gb/s InfiniBand a GPU",
             ("NVIDIA H200",)),
)}


def find_hardware(device_name: str) -> Hardware | None:
    """The data sheet of what `torch.cuda.get_device_name` calls e.g. "NVIDIA H200"; None if it is not listed.

    The name must be one of those `reported`, letter for letter: a T400, a GH200, a PCIe card or a slice of a card (MIG)
    has another data sheet than the card whose name is part of its own.

    >>> find_hardware("NVIDIA A100-SXM4-80GB").memory
    80000000000.0
    """
    found = [each for each in HARDWARE.values() if device_name in each.reported]
    return found[0] if found else None
