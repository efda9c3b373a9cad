"""The numbers that a function's source names, so that a product of two is known for what it was meant to be."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_edu.testing.exact.number import field

__all__ = ["literals", "reading"]

# Of more, products would be found by accident.
MOST = 40


def literals(function: Callable[..., Any]) -> tuple[float, ...]:
    """The floats and small integers in a function's code, its defaults, and the names that it reads.

    Parameters
    ----------
    function : callable

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> def scaled(x, factor=0.25):
    ...     return 1.5 * x * factor
    >>> literals(scaled)
    (0.25, 1.5)
    """
    found = dict.fromkeys(float(x) for x in _numbers(function, 3) if x)
    return tuple(sorted(found)[:MOST])


def reading(by_hand: Callable[..., Any]) -> Callable[..., Any]:
    """A pair in whose forward and backward constants are read with its own literals in mind.

    Parameters
    ----------
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)``.

    Returns
    -------
    callable
    """
    own = literals(by_hand)

    def called(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            before, field.literals = field.literals, own
            try:
                return function(*arguments, **options)
            finally:
                field.literals = before

        return call

    def run(*arguments: Any, **options: Any) -> tuple[Any, Callable]:
        y, backward = called(by_hand)(*arguments, **options)
        return y, called(backward)

    return run


def _numbers(thing: Any, depth: int) -> Iterator[float | int]:
    """The numbers in a value, in code, and in the functions that it reads to some depth."""
    if isinstance(thing, bool) or depth < 0:
        return
    if isinstance(thing, float) or (isinstance(thing, int) and abs(thing) < 1000):
        yield thing
    elif isinstance(thing, types.CodeType):
        for constant in thing.co_consts:
            yield from _numbers(constant, depth)
    elif isinstance(thing, types.FunctionType | functools.partial | types.MethodType):
        function = inspect.unwrap(thing.func if isinstance(thing, functools.partial) else thing)
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        if code is not None:
            yield from _numbers(code, depth)
            names = {name: function.__globals__[name] for name in _names(code) if name in function.__globals__}
            cells = [cell.cell_contents for cell in function.__closure__ or () if _is_full(cell)]
            defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
            for value in (*names.values(), *cells, *defaults):
                yield from _numbers(value, depth - 1)


def _names(code: types.CodeType) -> set[str]:
    """The names that code reads, and code within it."""
    within = [_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*within)


def _is_full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
