"""The 60-digit form of ``verify``: a layer's own hand-derived lines, or a function's recorded graph, on exact numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.diagnosis import explain
from tinygrad_edu.testing.exact.check import ExactError, Verdict, check_pair
from tinygrad_edu.testing.exact.graph import as_pair, has_complex, recorded
from tinygrad_edu.testing.gradients import Absent
from tinygrad_edu.testing.report import Comparison
from tinygrad_edu.testing.subject import Subject

__all__ = ["FORM", "sixty_digits"]

FORM = "60 digits"
# About a second for a convolution.
ELEMENTS = 2_000


class Lines(NamedTuple):
    """What runs on exact numbers: a pair, the form it comes from, its arguments, and which of them to differentiate."""

    pair: Callable[..., Any]
    form: str
    arguments: list[Any]
    options: dict[str, Any]
    names: dict[int, str]


def sixty_digits(subject: Subject) -> list[Comparison]:
    """Compare each gradient with the derivative of the forward that it belongs to, both computed with 60 digits.

    Of a layer these are its forward and backward by hand, of a function its operations' forwards and their rules.

    Parameters
    ----------
    subject : Subject

    Returns
    -------
    list of Comparison

    Raises
    ------
    Absent
        If there is no gradient, or the code cannot run on exact numbers.
    """
    layer = subject.fresh()
    if isinstance(layer, Module) and not isinstance(layer, Layer):
        raise Absent("only a single layer has one; verify the layers of a model one by one")
    lines = by_hand(layer, subject) if isinstance(layer, Layer) else of_graph(subject)
    try:
        verdicts = check_pair(
            lines.pair, *lines.arguments, wanted=list(lines.names), seed=subject.seed, **lines.options
        )
    except Exception as error:  # whatever the code does with numbers that are no floats
        raise Absent(f"the code does not run on exact numbers, {_place(error)}") from None
    if lines.names and not verdicts:
        raise Absent("at these inputs there is no derivative, or it is infinite")
    return [_comparison(v, lines, subject.seed) for v in verdicts]


def by_hand(layer: Layer, subject: Subject) -> Lines:
    """A layer's hand-derived pair."""
    kind: Any = type(layer)
    parameters, options = layer._arguments(subject.inputs)
    arguments = [*subject.inputs, *(_array(p) for p in parameters)]
    _limit(arguments)
    names = {i: name for name, i, _, _ in subject.differentiable()}
    places = range(len(subject.inputs), len(arguments))
    names |= {i: kind._positional[i] for i in places if isinstance(arguments[i], np.ndarray)}

    @functools.wraps(kind.by_hand)
    def pair(*given: Any, **chosen: Any) -> Any:
        with subject.seeded():
            return kind.by_hand(*given, **chosen)

    return Lines(pair, "by hand", arguments, {name: _array(value) for name, value in options.items()}, names)


def of_graph(subject: Subject) -> Lines:
    """A function's graph, of which there must be one of real numbers."""
    found = list(subject.differentiable())
    leaves = [array for _, _, _, array in found]
    _limit(leaves)
    with np.errstate(all="ignore"):
        y, _ = recorded(subject, tuple(leaves))
    if not y.requires_grad:
        raise Absent("there is no gradient")
    if has_complex(y):
        raise Absent("it computes with complex numbers, and exact ones are real")
    return Lines(as_pair(subject), "graph", leaves, {}, {i: name for i, (name, _, _, _) in enumerate(found)})


def _limit(arguments: list[Any]) -> None:
    size = sum(a.size for a in arguments if isinstance(a, np.ndarray))
    if size > ELEMENTS:
        raise Absent(f"{size:,} elements are too many; {ELEMENTS:,} are the limit")


def _place(error: BaseException) -> str:
    """An error with the last function that was called before it, but for those of this room."""
    reason = str(error) if isinstance(error, ExactError) else f"{type(error).__name__}: {error}"
    while error.__cause__ is not None:
        error = error.__cause__
    trace, place = error.__traceback__, ""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if not module.startswith("tinygrad_edu.testing"):
            place = f"in {module}.{trace.tb_frame.f_code.co_name}: "
        trace = trace.tb_next
    return place + reason


def _comparison(v: Verdict, lines: Lines, seed: int) -> Comparison:
    why = [] if v.ok else explain(lines.pair, *lines.arguments, argument=v.argument, seed=seed, **lines.options)
    return Comparison(
        lines.names[v.argument],
        (lines.form, FORM),
        float(v.error),
        float(v.tolerance),
        v.index,
        v.values,
        (v.shape, lines.arguments[v.argument].shape),
        why=" ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in why),
    )


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value
