"""What the kernels ask of the process they run in, when the first large one runs: freed memory, and BLAS's threads."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["keep_freed_memory", "on_this_thread"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


@functools.cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory for the next arrays, instead of returning it to the system; whether it does.

    A training step frees what it allocated, and glibc hands most of it back. The next step then meets a page fault for
    every 4 KiB: a step of the benchmark's CNN takes 31 ms, with the memory kept 24. Set TINYGRAD_EDU_KEEP_MEMORY=0 to
    leave the allocator as it is. Other C libraries are left as they are.
    """
    if os.environ.get("TINYGRAD_EDU_KEEP_MEMORY", "1") == "0" or os.name != "posix":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # Arrays up to 32 MiB, the most that every glibc accepts, come from the heap, of which 1 GiB may lie free.
    return bool(mallopt(M_MMAP_THRESHOLD, 32 << 20) and mallopt(M_TRIM_THRESHOLD, 1 << 30))


@functools.cache
def blas() -> list[Any]:
    """The BLAS libraries of this process, as threadpoolctl controls them."""
    from threadpoolctl import ThreadpoolController

    return [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]


class _Alone:
    """How many ask at once for BLAS to stay on the calling thread, and what its number of threads was before."""

    lock = threading.Lock()
    depth = 0
    before: list[int] = []


@contextmanager
def on_this_thread() -> Iterator[None]:
    """Within it BLAS computes on the calling thread alone.

    After a product that several threads of OpenBLAS shared, they look out for another one for some 25 ms, on the very
    cores that our own threads want: a step of the benchmark's CNN takes 24 ms, and 17 if no product wakes them.
    """
    with _Alone.lock:
        if _Alone.depth == 0:
            _Alone.before = [library.get_num_threads() for library in blas()]
            for library in blas():
                library.set_num_threads(1)
        _Alone.depth += 1
    try:
        yield
    finally:
        with _Alone.lock:
            _Alone.depth -= 1
            if _Alone.depth == 0:
                for library, threads in zip(blas(), _Alone.before, strict=True):
                    library.set_num_threads(threads)
