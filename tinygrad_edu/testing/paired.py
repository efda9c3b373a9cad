"""Hand-derived pairs as a form: the layer's own, and its reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.layers.container import Sequential
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.testing.gradients import Absent, Gradients, grad_of, leaves_of
from tinygrad_edu.testing.subject import Subject, mapped

__all__ = ["by_hand", "reference", "without_pair"]


def without_pair(module: Module) -> str | None:
    """The class of a module that has only a forward, and so keeps a whole model from having a hand-derived pair."""
    if isinstance(module, Sequential):
        return next((found for part in module if (found := without_pair(part))), None)
    return type(module).__name__ if type(module).pair is Module.pair else None


def by_hand(subject: Subject, dy: NDArray | None) -> Gradients:
    """The hand-derived pair on arrays."""
    if not isinstance(subject.target, Module):
        raise Absent("a function has no hand-derived pair")
    if name := without_pair(subject.target):
        raise Absent(f"{name} has only a forward")
    return pulled(subject.fresh(), subject, dy)


def reference(subject: Subject, dy: NDArray | None) -> Gradients:
    """A third pair that a layer may give: the mathematics in the words of a library that others trust."""
    target = subject.fresh()
    theirs = getattr(target, "reference", None)
    if not isinstance(target, Layer) or theirs is None:
        raise Absent("the layer has no reference pair")
    # The same layer with the reference in the place of the pair; a module's own __setattr__ would only store the class.
    other = type(subject.name, (type(target),), {"by_hand": staticmethod(theirs)})
    object.__setattr__(target, "__class__", other)
    return pulled(target, subject, dy)


def pulled(target: Any, subject: Subject, dy: NDArray | None) -> Gradients:
    """The result and the gradients of a module's pair, which may write to nothing that it is given or has given."""
    inputs = [mapped(value, np.copy) for value in subject.inputs]
    with subject.seeded():
        y, backward = target.pair(*inputs, **subject.options)
    result = np.array(y)
    if dy is None:
        return Gradients(result, {})
    cotangent = dy.copy()
    try:
        dxs = backward(cotangent)
    except ShapeError as error:
        # The layer refuses what its pair gave, and so there is no gradient to hold against the others.
        nothing = {name: np.full(x.shape, np.nan) for name, _, _, x in subject.differentiable()}
        nothing |= {name: np.full(p.shape, np.nan) for name, p in target.named_parameters()}
        return Gradients(result, nothing, faults=[f"is refused: {error}"])
    dxs = dxs if isinstance(dxs, tuple) else (dxs,)
    found = {n: np.zeros_like(x) if dxs[i] is None else np.asarray(dxs[i]) for n, i, _, x in subject.differentiable()}
    found |= {name: grad_of(parameter) for name, parameter in target.named_parameters()}
    held = {"dy": cotangent, "its result": y, **leaves_of(inputs, subject)}
    before = {"dy": dy, "its result": result, **leaves_of(list(subject.inputs), subject)}
    held |= {name: parameter.array for name, parameter in target.named_parameters()}
    before |= {name: parameter.array for name, parameter in subject.target.named_parameters()}
    overwritten = [name for name in held if not np.array_equal(held[name], before[name], equal_nan=True)]
    return Gradients(result, found, faults=[f"overwrites {name}, which is not its own" for name in overwritten])
