"""New arrays, and SciPy's functions of arrays, in code that runs on exact numbers."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import scipy.special

from tinygrad_edu.testing.exact.array import ExactArray
from tinygrad_edu.testing.exact.composed import COMPOSED
from tinygrad_edu.testing.exact.number import Dual

__all__ = ["exact_constructors", "with_exact_constructors"]

# An element of np.empty that the code did not set shows, as whatever is computed from it is NaN.
FILLED: dict[str, Any] = {"zeros": 0, "ones": 1, "empty": Decimal("NaN")}
# NumPy's names are one for all threads, and so are put back in the order in which they were taken.
taken = threading.RLock()
CONVERSIONS = ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray")


@contextlib.contextmanager
def exact_constructors() -> Iterator[None]:
    """Within it, and on this thread, ``np.zeros(n)`` and its like give arrays that can hold exact numbers.

    Code that fills an array of floats element by element could not run otherwise. Arrays of integers, of booleans and of
    a dtype asked for by name that is no float are as ever, and so are those made by names imported from NumPy.
    """
    with taken, contextlib.ExitStack() as stack:
        stack.enter_context(_constructors())
        for name in COMPOSED:
            stack.enter_context(_composed(name))
        yield


@contextlib.contextmanager
def _composed(name: str) -> Iterator[None]:
    """Within it, a function of SciPy's takes exact numbers on this thread."""
    owner, original = threading.get_ident(), getattr(scipy.special, name)

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        exactly = threading.get_ident() == owner and any(map(holds_exact, args))
        return (COMPOSED[name] if exactly else original)(*args, **options)

    setattr(scipy.special, name, function)
    try:
        yield
    finally:
        setattr(scipy.special, name, original)


@contextlib.contextmanager
def _constructors() -> Iterator[None]:
    """Within it, and on this thread, NumPy's constructors give arrays that can hold exact numbers."""
    owner: int | None = threading.get_ident()
    originals = {name: getattr(np, name) for name in (*FILLED, *CONVERSIONS, "full")}

    def filled(shape: Any, dtype: Any = None, *args: Any, original: Any, value: Any, **options: Any) -> Any:
        if threading.get_ident() != owner or (dtype is not None and np.dtype(dtype).kind not in "fO"):
            return original(shape, dtype, *args, **options)
        return originals["full"](shape, value, object).view(ExactArray)

    def full(shape: Any, value: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        kind = originals["asarray"](value).dtype.kind if dtype is None else np.dtype(dtype).kind
        if threading.get_ident() != owner or kind not in "fO":
            return originals["full"](shape, value, dtype, *args, **options)
        return originals["full"](shape, value, object).view(ExactArray)

    def converted(x: Any, dtype: Any = None, *args: Any, original: Any, **options: Any) -> Any:
        if threading.get_ident() == owner and holds_exact(x) and (dtype is None or np.dtype(dtype).kind == "f"):
            result = original(x, object, *args, **options)
            return result.view(ExactArray)
        return original(x, dtype, *args, **options)

    for name, original in originals.items():
        if name in FILLED:
            replaced = functools.partial(filled, original=original, value=FILLED[name])
        elif name in CONVERSIONS:
            replaced = functools.partial(converted, original=original)
        else:
            continue
        # A module imported within, which may keep it, looks at its name.
        setattr(np, name, functools.update_wrapper(replaced, original))
    setattr(np, "full", full)  # noqa: B010 - the types of what it replaces are overloads
    try:
        yield
    finally:
        owner = None
        for name, original in originals.items():
            setattr(np, name, original)


def holds_exact(x: Any) -> bool:
    """Whether an array or a nest of lists holds exact numbers."""
    if isinstance(x, list | tuple):
        return any(holds_exact(item) for item in x)
    return isinstance(x, ExactArray | Dual)


def with_exact_constructors(by_hand: Callable[..., Any]) -> Callable[..., Any]:
    """A pair whose forward and backward run within :func:`exact_constructors`.

    Parameters
    ----------
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)``.

    Returns
    -------
    callable
    """

    @functools.wraps(getattr(by_hand, "by_hand", by_hand))
    def run(*arguments: Any, **options: Any) -> tuple[Any, Callable]:
        with exact_constructors():
            y, backward = by_hand(*arguments, **options)

        def pulled(dy: Any) -> Any:
            with exact_constructors():
                return backward(dy)

        return y, pulled

    return run
