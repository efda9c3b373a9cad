"""What a backward costs: time, and memory while it runs and until it runs."""

from __future__ import annotations

import functools
import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.testing.costed import Form, runner_of
from tinygrad_edu.testing.costs import Cost, Seconds

__all__ = ["Cost", "Seconds", "assert_cost", "cost"]

# A measurement of time shorter than this is repeated and divided.
SHORTEST = 1e-3
# Python's own small objects, which a bound on the peak leaves out.
OBJECTS = 4096


def cost(target: Any, *inputs: Any, form: Form | None = None, repeats: int = 15, **options: Any) -> Cost:
    """Measure the time and the memory of a forward and its backward.

    Forward and backward take turns, so that a machine that slows down slows both. Memory is counted in one more run, by
    ``tracemalloc``, to which NumPy tells every array.

    Parameters
    ----------
    target : callable, tuple of two callables, Module, or a function or module of PyTorch
        What :func:`as_pair` takes, or a function of Tensors.
    *inputs
        Arrays, in the dtype in which to measure. NumPy does not tell of each array below 1024 bytes, so take larger ones.
    form : {'by hand', 'graph'}, optional
        Of a layer: its hand-derived pair, which is the default, or its definition recorded as a graph. All others have one
        form alone.
    repeats : int, default 15
        Of each time, of which the median is taken.
    **options
        Keyword arguments of the forward.

    Returns
    -------
    Cost

    Notes
    -----
    Bytes are the same in every run and may be held against bounds. Times are not.

    Examples
    --------
    >>> import numpy as np
    >>> def exp(x):
    ...     y = np.exp(x)
    ...     return y, lambda dy: dy * y
    >>> x = np.ones(1000)
    >>> found = cost(exp, x)
    >>> found.kept == x.nbytes, found.per_element(found.kept)
    (True, 8.0)
    """
    runner = runner_of(target, inputs, form, options)
    y, pull = runner.forward()
    dy = np.asarray(np.random.default_rng(0).uniform(0.5, 1.5, np.shape(y)), y.dtype)
    pull(dy)
    forward, backward = times(runner.forward, functools.partial(pull, dy), repeats)
    del y, pull
    memory = (None, None, None) if runner.form == "torch" else bytes_of(runner.forward, dy)
    arrays = [a for a in runner.inputs if isinstance(a, np.ndarray)]
    sizes = sum(a.nbytes for a in arrays), sum(a.size for a in arrays)
    return Cost(runner.name, runner.form, *sizes, forward, backward, *memory)


def times(forward: Callable[[], Any], backward: Callable[[], Any], repeats: int) -> tuple[Seconds, Seconds]:
    """Median seconds of two functions that take turns."""
    counts = [max(1, int(SHORTEST / max(1e-9, timed(f, 1)))) for f in (forward, backward)]
    turns = [(timed(forward, counts[0]), timed(backward, counts[1])) for _ in range(repeats)]
    first, second = (Seconds(*map(float, np.percentile(column, (50, 25, 75)))) for column in zip(*turns, strict=True))
    return first, second


def timed(function: Callable[[], Any], count: int) -> float:
    """Seconds of one call, the mean of so many."""
    start = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - start) / count


def bytes_of(forward: Callable[[], tuple[Any, Any]], dy: Any) -> tuple[int, int, int]:
    """Bytes kept between forward and backward, and the peaks of both."""
    gc.collect()
    mine = not tracemalloc.is_tracing()
    if mine:
        tracemalloc.start()
    try:
        arrays = bytes_of_arrays()
        before = peak_from_here()
        y, pull = forward()
        forward_peak = tracemalloc.get_traced_memory()[1] - before
        del y
        kept = bytes_of_arrays() - arrays
        before = peak_from_here()
        gradients = pull(dy)
        backward_peak = tracemalloc.get_traced_memory()[1] - before
        del gradients
    finally:
        if mine:
            tracemalloc.stop()
    return kept, forward_peak, backward_peak


def peak_from_here() -> int:
    """Forget the peak so far; bytes that are allocated now."""
    tracemalloc.reset_peak()
    return tracemalloc.get_traced_memory()[0]


def bytes_of_arrays() -> int:
    """Bytes of NumPy's arrays alone, of all that are traced."""
    snapshot = tracemalloc.take_snapshot()
    arrays = snapshot.filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    return sum(trace.size for trace in arrays.traces)


def assert_cost(
    target: Any,
    *inputs: Any,
    ratio: float | None = None,
    kept: float | None = None,
    peak: float | None = None,
    form: Form | None = None,
    **options: Any,
) -> Cost:
    """Raise AssertionError if a backward takes longer or more memory than bounds say.

    Parameters
    ----------
    target, *inputs
        As for :func:`cost`.
    ratio : float, optional
        The backward's time by the forward's. Times are noisy: ask for several times what is meant, or not at all.
    kept : int or float, optional
        Of what is held between forward and backward: an int is a number of bytes, a float a multiple of the inputs' bytes.
    peak : int or float, optional
        Of what is allocated at most in the forward, and in the backward, in the same units; up to 4096 bytes of Python's own
        objects do not count.
    form : {'by hand', 'graph'}, optional
    **options
        Keyword arguments of the forward.

    Returns
    -------
    Cost

    Raises
    ------
    AssertionError
        With what was measured.
    TypeError
        If bytes are bounded of what runs in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> def product(x, y):
    ...     return x * y, lambda dy: (dy * y, dy * x)
    >>> assert_cost(product, np.ones(1000), np.ones(1000), kept=0, peak=1.0).name
    'product'
    """
    found = cost(target, *inputs, form=form, repeats=1 if ratio is None else 15, **options)
    over = (
        [f"its time is {found.ratio:.3g} times the forward's, over {ratio:g}"]
        if found.ratio > (ratio or np.inf)
        else []
    )
    for what, measured, bound, slack in (
        ("it keeps", found.kept, kept, 0),
        ("the forward allocates", found.forward_peak, peak, OBJECTS),
        ("the backward allocates", found.backward_peak, peak, OBJECTS),
    ):
        if bound is None:
            continue
        if measured is None:
            raise TypeError(
                f"assert_cost: {found.name}: bytes cannot be measured in PyTorch, only ratio= can be bounded"
            )
        limit = bound * found.inputs if isinstance(bound, float) else bound
        if measured > limit + slack:
            over.append(f"{what} {measured:,} bytes, over {limit:,.0f}")
    if over:
        raise AssertionError(f"{found.name}: {'; '.join(over)}\n  {found}")
    return found
