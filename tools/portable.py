"""Run every lesson and every solution with the arithmetic of other processors, against the stored outputs.

    python tools/portable.py [pytest's arguments, instead of: notebooks solutions]

Processors round differently: they add in another order, and fuse a product with a sum or do not. A cell whose output
hangs on that passes on the machine that stored it and fails on another. So the lessons run once for each arithmetic of
`ARITHMETICS` that this processor has beside its own, strictly, as `make test` runs them. What changes is shown first.
"""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Name → environment. torch's own loops follow ATEN_CPU_CAPABILITY, its matrix products MKL_CBWR (COMPATIBLE: as the
# oldest processors have them) and, in 16 bits and for some activations, ONEDNN_MAX_CPU_ISA.
ARITHMETICS = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"},
    "default": {"ATEN_CPU_CAPABILITY": "default"},
}
OLDEST_CORE = "Nehalem"  # of x86, for OpenBLAS
JOBS = os.environ.get("COURSE_TEST_JOBS", "2")
PROBES = ("products of matrices", "sums", "softmax", "random numbers", "numpy's products", "numpy's exp")
DEFAULT = ["notebooks", "solutions"]
CELL_SECONDS = 600  # without wide instructions all is slower, and a slow cell says nothing about its output


def arithmetics() -> dict[str, dict[str, str]]:
    """`ARITHMETICS`; in the last one numpy, too, works as on the oldest processor of this kind."""
    import numpy as np

    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    older = {"NPY_DISABLE_CPU_FEATURES": " ".join(found)} if found else {}
    if platform.machine().lower() in ("x86_64", "amd64"):
        older["OPENBLAS_CORETYPE"] = OLDEST_CORE
    return {**ARITHMETICS, "default": {**ARITHMETICS["default"], **older}}


def probe() -> list[str]:
    """What torch calls it, the sum of a product of matrices, and a checksum for each of `PROBES`."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    one, other = (np.random.default_rng(seed).standard_normal((200, 200)) for seed in (0, 1))
    a, b = torch.tensor(one).float(), torch.tensor(other).float()
    product = a @ b
    results = (product, a.sum(dim=1), a.softmax(dim=1), torch.randn(100, generator=torch.Generator().manual_seed(0)),
               one @ other, np.exp(one.astype(np.float32)))
    checksums = [hashlib.sha1(np.ascontiguousarray(result).tobytes()).hexdigest()[:8] for result in results]
    return [torch.backends.cpu.get_cpu_capability(), f"{product.sum().item():.9g}", *checksums]


def probed(environment: dict[str, str]) -> list[str]:
    """What `probe` says in a process of its own: the variables are read once, when the libraries are loaded."""
    command = [sys.executable, __file__, "--probe"]
    return subprocess.run(command, env=os.environ | environment, check=True, capture_output=True,
                          text=True).stdout.split()


def main(arguments: list[str]) -> int:
    if arguments == ["--probe"]:
        print(*probe())
        return 0
    own, failed, tried = probed({}), [], 0
    print(f"This processor's own arithmetic: {own[0]}, a sum of products {own[1]}", flush=True)
    for name, environment in arithmetics().items():
        now = probed(environment)
        changed = [what for what, before, after in zip(PROBES, own[2:], now[2:], strict=True) if before != after]
        said = " ".join(f"{variable}={value!r}" for variable, value in environment.items())
        print(f"\n{name}: {said}\n  a sum of products {now[1]}; rounded differently: {', '.join(changed) or 'nothing'}",
              flush=True)
        if not changed:
            continue  # this processor has nothing else to offer here
        tried += 1
        command = [sys.executable, "-m", "pytest", "--nbval", f"--nbval-cell-timeout={CELL_SECONDS}", "-q",
                   "-p", "no:cacheprovider", "-n", JOBS, "--dist", "loadfile", *(arguments or DEFAULT)]
        if subprocess.run(command, cwd=ROOT, env=os.environ | environment).returncode:
            failed.append(name)
    if not tried:
        print("\ncourse: no variable changes the arithmetic of this processor, so nothing was shown; "
              "run this on another one", file=sys.stderr)
        return 1
    print(f"\n{tried} other arithmetics: {f'outputs differ with {failed}' if failed else 'all outputs are as stored'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
