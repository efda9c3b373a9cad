"""The recorded graph as a form: of a layer's definition, or with the hand-derived pair as one node."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.grad_mode import enable_grad, no_grad
from tinygrad_edu.graph import sweep
from tinygrad_edu.layers.layer import expanded
from tinygrad_edu.layers.module import Module
from tinygrad_edu.ops import cat
from tinygrad_edu.tensor import Tensor, as_tensor, tensor
from tinygrad_edu.testing.gradients import Absent, Gradients, grad_of, largest, leaves_of
from tinygrad_edu.testing.subject import Subject, mapped

__all__ = ["fused", "graph", "joined", "result_of"]


def result_of(subject: Subject, seeded: bool = True) -> NDArray:
    """The result alone, with nothing recorded."""
    with subject.seeded() if seeded else contextlib.nullcontext(), no_grad():
        return joined(subject.fresh()(*[mapped(value, tensor) for value in subject.inputs], **subject.options)).array


def joined(result: Any) -> Tensor:
    """A result as one Tensor: of several, the floats side by side."""
    parts = result if isinstance(result, list | tuple) else [result]
    if not parts or not all(isinstance(part, Tensor | bool | int | float) for part in parts):
        raise TypeError(
            f"verify: expected a function that gives Tensors for Tensors, got {type(result).__name__}; write it with "
            "operators, Tensor methods or NumPy functions, all of which are recorded"
        )
    if len(parts) == 1:
        return as_tensor(parts[0])
    return cat([part.reshape(-1) for part in parts if part.is_floating_point()])


def recorded(subject: Subject, dy: NDArray | None, whole: bool) -> Gradients:
    """Record the subject, with layers as one node each or `whole` as their definitions, and sweep the graph."""
    target = subject.fresh()
    inputs = [mapped(v, lambda a: tensor(a, requires_grad=a.dtype.kind == "f")) for v in subject.inputs]
    with subject.seeded(), enable_grad(), expanded() if whole else contextlib.nullcontext():
        y = joined(target(*inputs, **subject.options))
    if dy is None:
        return Gradients(y.array, {})
    if y.requires_grad:
        y.backward(tensor(dy), retain_graph=True)
    leaves = leaves_of(inputs, subject)
    if isinstance(target, Module):
        leaves |= dict(target.named_parameters())
    gradients = Gradients(y.array, {name: grad_of(leaf) for name, leaf in leaves.items()})
    if y.requires_grad:
        again = sweep([(y.node or y, np.nextafter(dy, 0))], retain_graph=False)
        for name, leaf in leaves.items():
            if leaf in again:
                gradients.rounding[name] = largest(again[leaf] - gradients.by_name[name])
    return gradients


def graph(subject: Subject, dy: NDArray | None) -> Gradients:
    """The definition's own operations, recorded and swept."""
    return recorded(subject, dy, whole=True)


def fused(subject: Subject, dy: NDArray | None) -> Gradients:
    """The hand-derived pair as one node of the recorded graph."""
    if not isinstance(subject.target, Module):
        raise Absent("a function has no fused node")
    return recorded(subject, dy, whole=False)
