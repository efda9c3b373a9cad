"""Finding the operation whose backward first gives nan, and the line that recorded it."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import graph
from tinygrad_edu.graph import Node
from tinygrad_edu.tensor import Tensor

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

PACKAGE = os.path.dirname(graph.__file__) + os.sep
TICKS = graph.clock


class Line(NamedTuple):
    """Where a program called the library."""

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        source = linecache.getline(self.file, self.number).strip()
        return f"{self.file}:{self.number}, in {self.function}" + (f"\n    {source}" if source else "")


class Tick(int):
    """A tick that knows which line it belongs to. A node keeps its tick, so the two are freed together."""

    line: Line


class NotingClock:
    """The graph's clock, noting with each tick the line of the program that is being run."""

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        tick = Tick(next(TICKS))
        frame: Any = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.startswith((PACKAGE, "<derivatives of")):
            frame = frame.f_back
        tick.line = Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        return tick


class set_detect_anomaly:
    """Switch anomaly detection on or off, in all threads: at once as a call, and back again as a context.

    See :class:`detect_anomaly` for what it does.

    Parameters
    ----------
    mode : bool
        Whether to detect anomalies.
    check_nan : bool, default True
        Whether a backward that gives nan is an error.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> with tg.autograd.set_detect_anomaly(True):
    ...     tg.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.previous = is_anomaly_enabled(), _checks.nan
        _switch(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        _switch(*self.previous)


class detect_anomaly:
    """While it is on, an error in a backward names the line that recorded the operation, and nan is an error.

    The error names the operation, the shapes and the index of the first nan. What was recorded before the mode was
    switched on is checked, too, but its line is not known. It is for debugging: each operation takes about twice as
    long.

    Parameters
    ----------
    check_nan : bool, default True
        Whether a backward that gives nan is an error.

    Raises
    ------
    RuntimeError
        In a backward, by the first operation that gives nan. No gradient has changed then.

    Examples
    --------
    >>> import numpy as np, tinygrad_edu as tg
    >>> x = tg.tensor([4.0, 0.0], requires_grad=True)
    >>> with tg.autograd.detect_anomaly(), np.errstate(invalid="ignore"):  # 0/0 is what we want to see
    ...     y = (x.sqrt() * x).sum()  # the derivative of sqrt is infinite at 0, times x it is nan
    ...     y.backward()
    Traceback (most recent call last):
        ...
    RuntimeError: backward of 'sqrt' gave nan for its operand of shape (2,) float32: 1 of 2 elements, the first at (1,).
    The cotangent of its result is 0.0 there.
    'sqrt' was recorded at <doctest tinygrad_edu.autograd.anomaly.detect_anomaly[2]>:2, in <module>
        y = (x.sqrt() * x).sum()  # the derivative of sqrt is infinite at 0, times x it is nan
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self.switched = set_detect_anomaly(True, self.check_nan)

    def __exit__(self, *error: Any) -> None:
        self.switched.__exit__(*error)


class _Checks:
    nan = True


_checks = _Checks()


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.is_anomaly_enabled()
    False
    """
    return graph.observe is _observe


def is_anomaly_check_nan_enabled() -> bool:
    """Whether nan in a backward is an error while anomaly detection is on.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.is_anomaly_check_nan_enabled()
    True
    """
    return _checks.nan


def _switch(on: bool, check_nan: bool) -> None:
    graph.clock = NotingClock() if on else TICKS
    graph.observe = _observe if on else None
    _checks.nan = check_nan


def _observe(node: Node, cotangent: Any, outcome: Any) -> None:
    if isinstance(outcome, Exception):
        outcome.add_note(_recorded(node))
        return
    if not _checks.nan:
        return
    for contribution in outcome:
        array = contribution.array if isinstance(contribution, Tensor) else contribution
        if isinstance(array, np.ndarray | np.generic) and (wrong := np.isnan(array)).any():
            raise RuntimeError(_described(node, cotangent, np.asarray(array), wrong))


def _described(node: Node, cotangent: Any, array: np.ndarray, wrong: np.ndarray) -> str:
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    lines = [
        f"backward of {node.name()!r} gave nan for its operand of shape {array.shape} {array.dtype}: {wrong.sum()} of "
        f"{array.size} elements, the first at {first}."
    ]
    given = cotangent.array if isinstance(cotangent, Tensor) else cotangent
    if isinstance(given, np.ndarray | np.generic):
        given = np.asarray(given)
        if given.shape == array.shape:
            lines.append(f"The cotangent of its result is {given[first]} there.")
        elif np.isnan(given).any():
            lines.append("The cotangent of its result holds nan already.")
        else:
            lines.append(f"The cotangent of its result, of shape {given.shape}, holds no nan.")
    return "\n".join([*lines, _recorded(node)])


def _recorded(node: Node) -> str:
    if isinstance(node.tick, Tick):
        return f"{node.name()!r} was recorded at {node.tick.line}"
    return f"{node.name()!r} was recorded before anomaly detection was switched on; switch it on for the forward, too."
