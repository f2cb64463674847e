"""What an answer leaves behind in the kernel is put back, and said. Used by the checks of all lessons.

An answer runs in the student's own kernel. Whatever it sets there (a default dtype, how numpy prints, where prints
go, another function under the name of numpy's) would change the next check, or end the kernel. So the settings of
Python, numpy and torch and the functions of their modules are noted before a probe and compared after it.
"""

import builtins
import contextlib
import inspect
import io
import operator
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import numpy as np

MODULES = ("builtins", "math", "random", "json", "time", "copy", "functools", "itertools", "numpy", "numpy.linalg",
           "numpy.random", "torch", "torch.linalg", "torch.nn", "torch.nn.functional", "torch.autograd", "torch.optim")
OF_IMPORTS = ("warnings.filters", "os.environ")
TENSOR = "torch.Tensor"
SHOWN = 2_000  # characters that one probe may print


def _settings() -> dict[str, tuple[Callable, Callable]]:
    """Name as a student knows it → how to read it, how to set it."""
    found = {
        "sys.stdout": (lambda: sys.stdout, lambda old: setattr(sys, "stdout", old)),
        "sys.stderr": (lambda: sys.stderr, lambda old: setattr(sys, "stderr", old)),
        "sys.setrecursionlimit": (sys.getrecursionlimit, sys.setrecursionlimit),
        "sys.excepthook": (lambda: sys.excepthook, lambda old: setattr(sys, "excepthook", old)),
        "os.chdir": (_folder, os.chdir),
        "os.environ": (lambda: dict(os.environ), _set_environment),
        "warnings.filters": (lambda: list(warnings.filters), _set_filters),
        "numpy.set_printoptions": (np.get_printoptions, lambda old: np.set_printoptions(**old)),
        "numpy.seterr": (np.geterr, lambda old: np.seterr(**old)),
    }
    if threading.current_thread() is threading.main_thread():
        number = signal.SIGINT
        found["signal.signal"] = (lambda: signal.getsignal(number), lambda old: signal.signal(number, old))
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_grad_enabled"):
        found["torch.set_default_dtype"] = (torch.get_default_dtype, torch.set_default_dtype)
        found["torch.set_grad_enabled"] = (torch.is_grad_enabled, torch._C._set_grad_enabled)
        found["torch.set_num_threads"] = (torch.get_num_threads, torch.set_num_threads)
        found["torch.use_deterministic_algorithms"] = (
            torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms)
    return found


def _wraps(new: object, old: object) -> bool:
    """Whether a function is another one in a wrapper that says so."""
    with contextlib.suppress(ValueError):
        return callable(new) and inspect.unwrap(new) is old
    return False


@contextlib.contextmanager
def kept_state(remarks: list[str]) -> Iterator[None]:
    """Put everything back after the body, and add to `remarks` what the body has changed, a sentence each."""
    settings = _settings()
    before = {name: read() for name, (read, _) in settings.items()}
    functions = [(space, name, tuple(space), tuple(space.values())) for name, space in _spaces()]
    threads, modules = set(threading.enumerate()), len(sys.modules)
    try:
        with _no_way_out():
            yield
    finally:
        for name, (read, put_back) in settings.items():
            if len(sys.modules) > modules and name in OF_IMPORTS:
                continue  # what was imported just now may have set it, and expects it to stay
            if not _same(read(), before[name]):
                put_back(before[name])
                remarks.append(f"your code changes {name}; it was put back")
        for space, module, names, values in functions:
            if len(space) == len(names) and all(map(operator.is_, space.values(), values)):
                continue
            for name, value in zip(names, values, strict=True):
                if len(sys.modules) > modules and _wraps(space.get(name), value):
                    continue  # a library that was imported just now, as torch's compiler does
                if space.get(name) is not value and callable(value):
                    _put_back(space, module, name, value)
                    remarks.append(f"your code gives {module}.{name} another meaning; it was put back")
            if module == TENSOR:  # a name of its own may hide one that it inherits
                for name in set(space) - set(names):
                    delattr(sys.modules["torch"].Tensor, name)
                    remarks.append(f"your code gives {module}.{name} another meaning; it was put back")
        if left := [thread for thread in threading.enumerate() if thread not in threads and _is_the_students(thread)]:
            remarks.append(f"your code leaves {len(left)} thread(s) running; wait for them with .join()")


@contextlib.contextmanager
def shown_in_part(remarks: list[str], *, silent: bool = False) -> Iterator[None]:
    """In the body, let the first characters that are printed through, and count the rest; `silent`: none."""
    real, kept = sys.stdout, _Stream(sys.stdout, 0 if silent else SHOWN)
    sys.stdout = kept
    try:
        yield
    finally:
        sys.stdout = real
        if kept.left_out and not silent:
            remarks.append(f"your code prints {kept.left_out:,} characters more, which are not shown")


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, real, room):
        self.real, self.room, self.left_out = real, room, 0

    def writable(self):
        return True

    def write(self, text):
        text = str(text)
        kept, self.room = text[: self.room], max(0, self.room - len(text))
        self.left_out += len(text) - len(kept)
        if kept:
            self.real.write(kept)
        return len(text)

    def flush(self):
        self.real.flush()


@contextlib.contextmanager
def _no_way_out():
    """exit() and its like raise SystemExit in the body, in place of ending the kernel after it or at once."""
    def leave(*_, **__):
        raise SystemExit("exit")

    shell = getattr(builtins, "get_ipython", lambda: None)()
    before = {name: getattr(os, name) for name in ("_exit", "abort")}
    for name in before:
        setattr(os, name, leave)
    if shell is not None:
        shell.ask_exit = leave
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(os, name, value)
        if shell is not None:
            vars(shell).pop("ask_exit", None)


def _spaces():
    ours = [name for name in list(sys.modules) if name.startswith("course_lib.")]
    for name in (*MODULES, *ours):
        if (module := sys.modules.get(name)) is not None:
            yield name, vars(module)
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "Tensor"):
        yield TENSOR, vars(torch.Tensor)


def _put_back(space, module, name, value):
    if module == TENSOR:
        setattr(sys.modules["torch"].Tensor, name, value)
    else:
        space[name] = value


def _same(a, b):
    return a is b or type(a) is type(b) and a == b


def _folder():
    try:
        return os.getcwd()
    except OSError:
        return os.path.expanduser("~")


def _set_environment(old):
    os.environ.clear()
    os.environ.update(old)


def _set_filters(old):
    warnings.filters[:] = old
    warnings._filters_mutated()


def _is_the_students(thread):
    return thread.is_alive() and thread.name != "time limit" and not isinstance(thread, threading._DummyThread)


