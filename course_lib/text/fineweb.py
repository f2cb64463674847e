"""FineWeb in GPT-2's tokens, as it is published in shards: found, checked, mapped. Used by lesson 14 (gpt_on_gpu).

Shards of 100 million ids each, `fineweb_train_000001.bin` … and `fineweb_val_000000.bin`, are at
https://huggingface.co/datasets/kjj0/fineweb10B-gpt2 (text: Penedo et al. 2024, arXiv 2406.17557, ODC-By 1.0).
The format is llm.c's: 256 numbers of 32 bits (20240520, 1, how many ids follow, zeros), then the ids in 16 bits.
"""

import os
from pathlib import Path

import numpy as np

from course_lib.doors.folders import cache_folder, data_folders

MAGIC, VERSION, HEADER = 20240520, 1, 256
VOCAB_SIZE = 50_257
WHERE = "https://huggingface.co/datasets/kjj0/fineweb10B-gpt2/resolve/main/"


def find_shards(split: str = "train") -> list[Path]:
    """The shards of "train" or "val" in the folders of COURSE_DATA and in the cache, in order; [] without any."""
    folders = [*data_folders(), cache_folder()]
    names = f"fineweb_{split}_[0-9][0-9][0-9][0-9][0-9][0-9].bin"
    found = {path.name: path for folder in reversed(folders) for path in folder.glob(names)}
    return [found[name] for name in sorted(found)]


def open_shard(path: str | Path) -> np.ndarray:
    """The ids of a shard, (N,) uint16, mapped and read-only.

    Raises FileNotFoundError, with the address and the place to put the file, and ValueError where its header or its
    size is not that of a shard.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no shard at {path}; get {WHERE}{path.name}, put it into {cache_folder()} or "
                                "a folder of COURSE_DATA, or use load_corpus('python_source'), which needs no network")
    header = np.fromfile(path, "<i4", HEADER)
    if len(header) < HEADER or tuple(header[:2]) != (MAGIC, VERSION):
        raise ValueError(f"{path} does not begin with {MAGIC}, {VERSION}, as a shard of GPT-2's ids does; download it "
                         "again")
    size, promised = path.stat().st_size, 4 * HEADER + 2 * int(header[2])
    if size != promised:
        raise ValueError(f"{path} has {size:,} bytes, but its header promises {promised:,} ({header[2]:,} ids); "
                         "download it again")
    return np.memmap(path, "<u2", "r", offset=4 * HEADER).view(np.ndarray)
