"""What a box contains and whether there can be one here. Part of grading; no lesson derives it.

bubblewrap (github.com/containers/bubblewrap) starts a program in namespaces of its own. As root it would leave
/proc/sys writable, from where one crash runs anything as root on the host: so grading refuses to run as root.
"""

import functools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import course_lib
from course_lib.classroom.grading.sandbox.limits import Limits

INSIDE = [sys.executable, "-s", "-m", "course_lib.classroom.grading.sandbox.inside"]
LIBRARY = "/grade"  # where the box finds course_lib
HOME = "/tmp/box"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": HOME,
    "USER": "student",
    "LANG": "C.UTF-8",
    "IPYTHONDIR": f"{HOME}/.ipython",
    "MPLCONFIGDIR": f"{HOME}/.matplotlib",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "COURSE_WORK": f"{HOME}/work",
    "COURSE_CACHE": f"{HOME}/cache",
    "COURSE_HEADLESS": "1",
    "NBGRADER_EXECUTION": "autograde",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "ignore",
}
INSTALL = "install it (Debian, Ubuntu: sudo apt-get install bubblewrap)"
TRUSTED = "or grade work that you trust with --no-sandbox"


class NoSandbox(RuntimeError):
    """There can be no sandbox here; the message says why and what to do."""


def require_linux() -> None:
    """Raises NoSandbox on another system: there a submission can be neither locked in nor given its limits."""
    if sys.platform != "linux":
        raise NoSandbox(
            f"grading needs Linux, and this is {platform.system() or sys.platform}: use a machine, a virtual machine "
            "or a container with Linux (on Windows: WSL). What students run works here, too"
        )


def require_sandbox() -> None:
    """Return if a box can be made here.

    Raises NoSandbox off Linux, as root, without bubblewrap, and where ordinary accounts get no user namespaces.
    """
    require_linux()
    if os.geteuid() == 0:
        raise NoSandbox("grading refuses to run as root, where a sandbox does not hold: use an ordinary account")
    if not shutil.which("bwrap"):
        raise NoSandbox(f"bubblewrap is missing: {INSTALL}, {TRUSTED}")
    if problem := _trial(os.environ.get("PATH")):
        raise NoSandbox(
            f"bubblewrap cannot make a sandbox here ({problem}). User namespaces may be switched off: see "
            f"sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, "
            f"kernel.apparmor_restrict_unprivileged_userns; {TRUSTED}"
        )


@functools.cache
def _trial(path):
    """The complaint of a box that does nothing; empty when it worked."""
    command = [*_namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=20)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def _namespaces():
    apart = "--unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --cap-drop ALL".split()
    return [shutil.which("bwrap") or "bwrap", *apart, "--die-with-parent", "--new-session", "--hostname", "box"]


def box_command(limits: Limits, seccomp_fd: int) -> list[str]:
    """The command that starts `inside` in a box: read-only system, Python and course_lib, two small writable folders.

    Nothing else of the host is there: no home, no solutions, no gradebook, no other submission, no network.
    """
    command = [*_namespaces(), "--clearenv", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            command += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        elif Path("/", name).exists():
            command += ["--ro-bind", f"/{name}", f"/{name}"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/dev/shm", "/tmp"):
        command += ["--size", str(limits.disk), "--tmpfs", folder]
    command += ["--dir", HOME]
    for prefix in sorted({sys.prefix, sys.base_prefix} - {"/usr"}):
        command += ["--ro-bind", prefix, prefix]
    command += ["--ro-bind", str(Path(course_lib.__file__).parent), f"{LIBRARY}/course_lib"]
    for name, value in (ENVIRONMENT | {"PYTHONPATH": LIBRARY}).items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/", "--chdir", HOME, "--seccomp", str(seccomp_fd), *INSIDE]
