"""Who does the work: threads that each watch a sandbox, or a Dask cluster. Part of grading; no lesson derives it.

A job is a pure function of plain data, so it can run anywhere that has the same course and bubblewrap installed; a
worker that dies is replaced by another, which gives the same evidence.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


class Threads(ThreadPoolExecutor):
    """`at_once` threads of this process."""

    def __init__(self, at_once: int):
        super().__init__(at_once)
        self.at_once = at_once


class DaskExecutor:
    """The part of an Executor that grading uses, on a Dask cluster (distributed.dask.org)."""

    elsewhere = True  # a worker need not see this machine's disk: what it finds comes back with its future

    def __init__(self, address: str):
        from distributed import Client

        self.client = Client(address)

    @property
    def at_once(self) -> int:
        """How many jobs its workers have room for now."""
        return max(1, sum(self.client.nthreads().values()))

    def submit(self, function: object, *arguments: object) -> object:
        """A future of `function(*arguments)`, run on some worker; never answered from an earlier result."""
        return self.client.submit(function, *arguments, pure=False, retries=5)

    def as_completed(self, futures: object) -> Iterator:
        """The futures in the order in which they end."""
        from distributed import as_completed

        return as_completed(list(futures))

    def close(self) -> None:
        """Leave the cluster, which goes on."""
        self.client.close()


@contextlib.contextmanager
def workers(jobs: int, scheduler: str | None = None) -> Iterator[object]:
    """An executor of `jobs` threads here, or of the cluster whose scheduler listens at `scheduler`."""
    if scheduler:
        executor = DaskExecutor(scheduler)
        try:
            yield executor
        finally:
            executor.close()
        return
    if jobs < 1:
        raise ValueError(f"--jobs {jobs}: at least one sandbox is needed")
    executor = Threads(jobs)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
