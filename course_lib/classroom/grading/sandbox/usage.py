"""How much memory a box holds, seen from outside. Part of grading; no lesson derives it.

Counted is what its processes have, what they have swapped out, the tables that map it, the files in its folders, which
are memory, too, with their names, and the buffers of its sockets. What would be memory of none of these is denied by
`seccomp`.
"""

import contextlib
import os

SOCKET = 2 * 212992  # bytes: the largest buffer that Linux gives to one, doubled as Linux does
FILES = 256  # that a process may open
HELD = ("Pss:", "SwapPss:", "Private_Hugetlb:", "Shared_Hugetlb:")  # pages that several processes share count once
INODE = 2048  # bytes that a file takes before it holds any
LOOKS = 4


def memory_of(pid: int, folders: tuple[str, ...] = ()) -> int:
    """Bytes held by a process and all its descendants, and by `folders` as its first child sees them.

    A process may hand its memory to a child and end while it is looked at: then one looks again, and the most counts.
    """
    most = 0
    for _ in range(LOOKS):
        total, whole = _look(pid)
        most = max(most, total)
        if whole:
            break
    return most + _in_folders(pid, folders)


def _look(pid):
    """(bytes, whether no process ended meanwhile)."""
    total, waiting, sockets, whole = 0, [str(pid)], set(), True
    while waiting:
        one = waiting.pop()
        try:
            threads = os.listdir(f"/proc/{one}/task")
            waiting += [child for thread in threads for child in _children(one, thread)]
        except OSError:
            whole = False
            continue
        held = next((held for thread in threads if (held := _of_thread(f"/proc/{one}/task/{thread}"))), 0)
        total += held
        sockets |= {name for thread in threads for name in _sockets(f"/proc/{one}/task/{thread}/fd")}
    return total + SOCKET * len(sockets), whole


def _children(pid, thread):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{thread}/children", encoding="utf-8") as file:
            return file.read().split()
    return []


def _of_thread(folder):
    """Bytes of the process that a thread belongs to; 0 for a thread that has ended, whose process may live on."""
    with contextlib.suppress(OSError):
        with open(f"{folder}/smaps_rollup", encoding="utf-8") as file:
            held = sum(_bytes(line) for line in file if line.startswith(HELD))
        with open(f"{folder}/status", encoding="utf-8") as file:
            return held + sum(_bytes(line) for line in file if line.startswith("VmPTE:"))
    return 0


def _bytes(line):
    return int(line.split()[1]) << 10


def _sockets(folder):
    """Names of the sockets among a thread's open files; as many as there could be where they are not told."""
    try:
        names = os.listdir(folder)
    except PermissionError:
        return {f"{folder}/{number}" for number in range(FILES)}
    except OSError:
        return set()
    found = set()
    for name in names:
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"{folder}/{name}"))
    return {name for name in found if name.startswith("socket:")}


def _in_folders(pid, folders):
    """Bytes in the box's folders, each a file system of its own."""
    total = 0
    for child in _children(pid, pid)[:1]:
        for folder in folders:
            with contextlib.suppress(OSError):
                there = os.statvfs(f"/proc/{child}/root{folder}")
                if os.stat(f"/proc/{child}/root{folder}").st_dev != os.stat(folder).st_dev:
                    total += (there.f_blocks - there.f_bfree) * there.f_frsize + (there.f_files - there.f_ffree) * INODE
    return total
