"""The 60-digit form of ``verify``: a layer's own hand-derived lines, on exact numbers."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.diagnosis import explain
from tinygrad_edu.testing.exact.check import ExactError, Verdict, check_pair
from tinygrad_edu.testing.gradients import Absent
from tinygrad_edu.testing.report import Comparison
from tinygrad_edu.testing.subject import Subject

__all__ = ["FORM", "sixty_digits"]

FORM = "60 digits"
# About a second for a convolution.
ELEMENTS = 2_000


def sixty_digits(subject: Subject) -> list[Comparison]:
    """Compare each gradient by hand with the derivative of the forward by hand, both computed with 60 digits.

    Parameters
    ----------
    subject : Subject

    Returns
    -------
    list of Comparison

    Raises
    ------
    Absent
        If there is no pair, or its code cannot run on exact numbers.
    """
    layer = subject.fresh()
    if not isinstance(layer, Layer):
        raise Absent("only a single layer has one; verify the layers of a model one by one")
    parameters, options = layer._arguments(subject.inputs)
    arguments = [*subject.inputs, *(_array(p) for p in parameters)]
    options = {name: _array(value) for name, value in options.items()}
    names = {i: name for name, i, _, _ in subject.differentiable()}
    places = range(len(subject.inputs), len(arguments))
    names |= {i: type(layer)._positional[i] for i in places if isinstance(arguments[i], np.ndarray)}
    size = sum(a.size for a in arguments if isinstance(a, np.ndarray))
    if size > ELEMENTS:
        raise Absent(f"{size:,} elements are too many; {ELEMENTS:,} are the limit")

    @functools.wraps(type(layer).by_hand)
    def by_hand(*given: Any, **chosen: Any) -> Any:
        with subject.seeded():
            return type(layer).by_hand(*given, **chosen)

    try:
        verdicts = check_pair(by_hand, *arguments, wanted=list(names), seed=subject.seed, **options)
    except ExactError as error:
        raise Absent(f"the code does not run on exact numbers, {error}") from None
    return [_comparison(v, names, by_hand, arguments, options, subject.seed) for v in verdicts]


def _comparison(
    v: Verdict, names: dict[int, str], by_hand: Any, arguments: list[Any], options: dict[str, Any], seed: int
) -> Comparison:
    why = [] if v.ok else explain(by_hand, *arguments, argument=v.argument, seed=seed, **options)
    return Comparison(
        names[v.argument],
        ("by hand", FORM),
        float(v.error),
        float(v.tolerance),
        v.index,
        v.values,
        (v.shape, arguments[v.argument].shape),
        why=" ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in why),
    )


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value
