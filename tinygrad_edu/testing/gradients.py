"""What every form of a derivative gives: a result, and gradients by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.subject import Subject

__all__ = ["Absent", "Gradients", "grad_of", "largest", "leaves_of"]


class Absent(Exception):
    """A form that a subject does not have; the message says why."""


@dataclass
class Gradients:
    """What one form gives.

    Attributes
    ----------
    result : numpy.ndarray or None
        None for a form that has no result of its own.
    by_name : dict of str to numpy.ndarray
        The gradients, NaN where not computed.
    error : dict of str to numpy.ndarray
        Estimates of the gradients' own errors, element by element, where they have any but rounding.
    rounding : dict of str to float
        How much a gradient moves when its cotangent does by the least that can be: the size of its rounding errors.
    faults : list of str
        What the form did that none may do.
    """

    result: NDArray | None
    by_name: dict[str, NDArray]
    error: dict[str, NDArray] = field(default_factory=dict)
    rounding: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def leaves_of(inputs: list[Any], subject: Subject) -> dict[str, Any]:
    """The differentiable ones among converted inputs, by name."""
    return {name: inputs[i] if k is None else inputs[i][k] for name, i, k, _ in subject.differentiable()}


def largest(x: NDArray) -> float:
    """The largest finite absolute value."""
    return float(np.abs(x).max(initial=0, where=np.isfinite(x)))


def grad_of(leaf: Any) -> NDArray:
    """The gradient that a backward left at a leaf: zeros if it reached none."""
    return np.zeros_like(leaf.array) if leaf.grad is None else leaf.grad.array
