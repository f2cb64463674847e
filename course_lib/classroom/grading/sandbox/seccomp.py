"""A seccomp filter that denies the system calls an exercise never needs. Part of grading; no lesson derives it.

Classic BPF, one instruction is (code, jump if true, jump if false, value); see seccomp(2) and
linux/bpf_common.h. Numbers of the calls are those of asm/unistd_64.h (x86-64) and asm-generic/unistd.h (arm64).
"""

import platform
import struct

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
X32 = 0x40000000  # the 32-bit ABI of x86-64 has the same calls under other numbers

# mount, umount2, pivot_root, chroot; the new mount interface; namespaces; debugging of others; kernel keys, modules,
# programs, events, other files' handles; io_uring (a second way to make calls); clocks, swap, reboot; quotas.
_X86 = (
    [165, 166, 155, 161, *range(428, 434), 442, 272, 308, 101, 310, 311, 438, 248, 249, 250, 175, 313, 176, 246, 320]
    + [321, 298, 303, 304, 323, 425, 426, 427, 169, 167, 168, 179, 163, 164, 227, 305, 135, 312, 440, 447]
)
_ARM = (
    [40, 39, 41, 51, *range(428, 434), 442, 97, 268, 117, 270, 271, 438, 217, 218, 219, 105, 273, 106, 104, 294]
    + [280, 241, 264, 265, 282, 425, 426, 427, 142, 224, 225, 60, 89, 170, 112, 266, 92, 272, 440, 447]
)
_MACHINES = {"x86_64": (0xC000003E, _X86), "aarch64": (0xC00000B7, _ARM)}
CLONE3 = 435  # its flags lie in memory, where a filter cannot look: libc falls back to clone


def filter_program(machine: str | None = None) -> bytes:
    """The filter as the kernel wants it: an array of `struct sock_filter`.

    Raises ValueError for a machine whose numbers are not known here.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise ValueError(f"no seccomp filter for {machine!r}; known are {', '.join(_MACHINES)}")
    architecture, denied = _MACHINES[machine]
    program = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    if machine == "x86_64":
        program += [(JUMP_GREATER_EQUAL, 0, 1, X32), (RETURN, 0, 0, KILL)]
    program += [(JUMP_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ERRNO | ENOSYS)]
    for number in denied:
        program += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | EPERM)]
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
