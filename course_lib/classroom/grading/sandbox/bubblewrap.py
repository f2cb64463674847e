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
import sysconfig
from pathlib import Path

import course_lib
from course_lib.classroom.grading.sandbox.limits import Limits

MODULE = ["-s", "-m", "course_lib.classroom.grading.sandbox.inside"]
INSIDE = [sys.executable, *MODULE]  # without a box
LIBRARY, PACKAGES, BASE = "/grade/lib", "/grade/env", "/grade/base"  # course_lib; what is installed; its Python
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
FOLDERS = ("/tmp", "/dev/shm")  # all that can be written, each with a size
TOLD = ("/proc/cpuinfo",)  # of /proc; the rest of it would tell whose machine this is, and what it mounts from where
INSTALL = "install it (Debian, Ubuntu: sudo apt-get install bubblewrap)"
NOTHING: dict[str, str] = {}  # the environment of bubblewrap itself, whose memory and files a student might see
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
    command = [*_namespaces(), "--ro-bind", "/", "/", "--dev", "/dev", "true"]
    done = subprocess.run(command, env=NOTHING, capture_output=True, encoding="utf-8", errors="replace", timeout=20)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def _namespaces():
    apart = "--unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --cap-drop ALL".split()
    return [shutil.which("bwrap") or "bwrap", *apart, "--die-with-parent", "--new-session", "--hostname", "box"]


def box_command(limits: Limits, seccomp_fd: int, settings_fd: int) -> list[str]:
    """The command that starts `inside` in a box: read-only system, Python and course_lib, two small writable folders.

    Nothing else of the host is there: no home, no solutions, no gradebook, no other submission, no network, no
    processes. What is there lies under names that tell nothing of where the host has it.

    Args:
        limits: of the box.
        seccomp_fd: where bubblewrap reads the filter.
        settings_fd: where it reads `python_settings()`.
    """
    command = [*_namespaces(), "--clearenv", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            command += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        elif Path("/", name).exists():
            command += ["--ro-bind", f"/{name}", f"/{name}"]
    for folder in _private(Path("/usr")):
        command += ["--size", "4096", "--tmpfs", folder, "--remount-ro", folder]
    command += ["--dir", "/proc", *(word for file in TOLD if Path(file).exists() for word in ("--ro-bind", file, file))]
    # Memory mapped from /dev/zero belongs to nobody (see `seccomp`); /dev/full reads the same and cannot be mapped.
    command += ["--dev", "/dev", "--dev-bind", "/dev/full", "/dev/zero"]
    for folder in FOLDERS:
        command += ["--size", str(limits.disk), "--tmpfs", folder]
    command += ["--remount-ro", "/dev", "--dir", HOME, *_python(settings_fd)]
    command += ["--ro-bind", str(Path(course_lib.__file__).parent), f"{LIBRARY}/course_lib"]
    for name, value in (ENVIRONMENT | {"PYTHONPATH": LIBRARY} | _libraries()).items():
        command += ["--setenv", name, value]
    start = [f"{PACKAGES}/bin/python", *MODULE]
    return [*command, "--remount-ro", "/", "--chdir", HOME, "--seccomp", str(seccomp_fd), *start]


def python_settings() -> bytes:
    """The pyvenv.cfg of the box's Python, which finds its standard library where the box has it."""
    home = os.path.dirname(_interpreter())
    return f"home = {home}\ninclude-system-site-packages = false\n".encode()


def _python(settings_fd):
    """An environment put together anew: the installed packages, and the interpreter that they belong to."""
    command = []
    for name in () if _is_systems() else ("bin", "lib", "lib64"):
        if Path(sys.base_prefix, name).is_dir():
            command += ["--ro-bind", f"{sys.base_prefix}/{name}", f"{BASE}/{name}"]
    if sys.prefix != sys.base_prefix:
        command += ["--ro-bind", f"{sys.prefix}/lib", f"{PACKAGES}/lib", "--symlink", "lib", f"{PACKAGES}/lib64"]
        command += ["--file", str(settings_fd), f"{PACKAGES}/pyvenv.cfg"]
    return [*command, "--symlink", _interpreter(), f"{PACKAGES}/bin/python"]


def _interpreter():
    """The real interpreter, as the box names it."""
    real, base = Path(sys.executable).resolve(), Path(sys.base_prefix).resolve()
    return str(real) if _is_systems() else f"{BASE}/{real.relative_to(base)}"


def _is_systems():
    return sys.base_prefix == "/usr"


def _libraries():
    """Where a Python that is a shared library is found when it was built to lie elsewhere."""
    moved = not _is_systems() and sysconfig.get_config_var("Py_ENABLE_SHARED")
    return {"LD_LIBRARY_PATH": f"{BASE}/lib"} if moved else {}


def _private(system):
    """What lies below the system's folder and is this machine's own: local programs, a course that is kept there."""
    local, course = system / "local", Path(course_lib.__file__).resolve().parents[1]
    own = [local] if sys.prefix != str(system) and local.is_dir() else []
    if system in course.parents and not (own and local in course.parents) and (course / "solutions").is_dir():
        own.append(course)
    return [str(one) for one in own]
