"""A seccomp filter that denies the system calls an exercise never needs. Part of grading; no lesson derives it.

Classic BPF, one instruction is (code, jump if true, jump if false, value); see seccomp(2) and
linux/bpf_common.h. Numbers of the calls are those of asm/unistd_64.h (x86-64) and asm-generic/unistd.h (arm64).
"""

import platform
import struct

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS, ENETUNREACH = 1, 38, 101
X32 = 0x40000000  # the 32-bit ABI of x86-64 has the same calls under other numbers
UNKNOWN = 457  # the first is statmount; programs do without what older kernels lack

# Denied: name, number on x86-64, number on arm64. From 424 on the two have the same numbers.
DENIED = """
mount 165 40          umount2 166 39        pivot_root 155 41     chroot 161 51         open_tree 428 428
move_mount 429 429    fsopen 430 430        fsconfig 431 431      fsmount 432 432       fspick 433 433
mount_setattr 442 442 unshare 272 97        setns 308 268         name_to_handle_at 303 264
open_by_handle_at 304 265                   quotactl 179 60       quotactl_fd 443 443   fanotify_init 300 262

ptrace 101 117        process_vm_readv 310 270                    process_vm_writev 311 271
pidfd_getfd 438 438   process_madvise 440 440                     process_mrelease 448 448
kcmp 312 272          move_pages 279 239    migrate_pages 256 238 userfaultfd 323 282

memfd_create 319 279  memfd_secret 447 447  shmget 29 194         shmctl 31 195         shmat 30 196
semget 64 190         semctl 66 191         semop 65 193          semtimedop 220 192    msgget 68 186
msgctl 71 187         msgsnd 69 189         msgrcv 70 188         mq_open 240 180       mq_unlink 241 181
mq_timedsend 242 182  mq_timedreceive 243 183                     mq_notify 244 184     mq_getsetattr 245 185
vmsplice 278 75       splice 275 76         tee 276 77            sendmsg 46 211        sendmmsg 307 269
remap_file_pages 216 234

io_uring_setup 425 425 io_uring_enter 426 426                     io_uring_register 427 427
bpf 321 280           perf_event_open 298 241                     lookup_dcookie 212 18
add_key 248 217       request_key 249 218   keyctl 250 219        syslog 103 116        personality 135 92

init_module 175 105   finit_module 313 273  delete_module 176 106 kexec_load 246 104    kexec_file_load 320 294
reboot 169 142        swapon 167 224        swapoff 168 225       acct 163 89           settimeofday 164 170
clock_settime 227 112 clock_adjtime 305 266 adjtimex 159 171      sethostname 170 161   setdomainname 171 162
vhangup 153 58
"""  # fmt: skip
X86_ONLY = (154, 172, 173, 134, 139, 156)  # modify_ldt, iopl, ioperm, uselib, sysfs, _sysctl
CLONE3 = 435  # its flags lie in memory, where a filter cannot look: libc falls back to clone

# Denied for some arguments: number on x86-64, on arm64, which argument, how it is looked at, with what, the error.
NAMESPACES = 0x7E020000  # CLONE_NEW* in clone's flags
SHARED, ANONYMOUS, HUGE = 0x01, 0x20, 0x40000  # in mmap's flags
UNIX = 1
PR_SET_DUMPABLE = 4
_MACHINES = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2)}


def filter_program(machine: str | None = None) -> bytes:
    """The filter as the kernel wants it: an array of `struct sock_filter`.

    Raises ValueError for a machine whose numbers are not known here.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise ValueError(f"no seccomp filter for {machine!r}; known are {', '.join(_MACHINES)}")
    architecture, _ = _MACHINES[machine]
    program = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    if machine == "x86_64":
        program += [(JUMP_GREATER_EQUAL, 0, 1, X32), (RETURN, 0, 0, KILL)]
    program += [(JUMP_GREATER_EQUAL, 0, 1, UNKNOWN), (RETURN, 0, 0, ERRNO | ENOSYS)]
    program += [(JUMP_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ERRNO | ENOSYS)]
    for number in denied(machine).values():
        program += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | EPERM)]
    for number, body in _by_argument(machine):
        program += [(JUMP_EQUAL, 0, len(body), number), *body]
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def denied(machine: str) -> dict[str, int]:
    """Name → number of the calls that are denied whatever their arguments."""
    column, words = _MACHINES[machine][1], DENIED.split()
    numbers = {words[at]: int(words[at + column]) for at in range(0, len(words), 3)}
    return numbers | ({f"x86 {number}": number for number in X86_ONLY} if machine == "x86_64" else {})


def _by_argument(machine):
    """(number, what to do once the call is it) for calls that are denied only for some of their arguments."""
    x86 = machine == "x86_64"
    allow, refuse = (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ERRNO | EPERM)
    yield 56 if x86 else 220, [_argument(0), (JUMP_SET, 0, 1, NAMESPACES), refuse, allow]  # clone
    # mmap: memory of no process and no file stays when nobody maps it, and no count of processes shows it.
    nobodys = [(JUMP_SET, 0, 3, SHARED), (JUMP_SET, 0, 1, ANONYMOUS), refuse, allow, allow]
    yield 9 if x86 else 222, [_argument(3), (JUMP_SET, 0, 1, HUGE), refuse, *nobodys]
    # Sockets within the box only: those of a virtual machine's host (vsock) know no network namespace.
    unreachable = (RETURN, 0, 0, ERRNO | ENETUNREACH)
    for number in (41, 53) if x86 else (198, 199):  # socket, socketpair
        yield number, [_argument(0), (JUMP_EQUAL, 1, 0, UNIX), unreachable, allow]
    # Who cannot be dumped cannot be watched.
    yield 157 if x86 else 167, [_argument(0), (JUMP_EQUAL, 0, 1, PR_SET_DUMPABLE), refuse, allow]  # prctl


def _argument(number):
    """Load the low half of an argument; both machines are little-endian."""
    return (LOAD, 0, 0, 16 + 8 * number)
