r"""The gradient of a gradient, held along one direction against differences.

With :math:`G(x) = J^\top dy` and random weights w, :math:`\langle \partial \langle w, G \rangle / \partial x, v \rangle`
is the limit of :math:`(\langle w, G(x + hv) \rangle - \langle w, G(x - hv) \rangle) / 2h`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.grad_mode import enable_grad
from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.recorded import joined
from tinygrad_edu.testing.subject import Subject, mapped

__all__ = ["along", "difference_along"]


def gradients_at(
    subject: Subject, dy: NDArray, move: float = 0.0, create_graph: bool = False
) -> tuple[list[Any], list[Any]]:
    """The float inputs, moved along the direction v, as leaves, and their gradients."""
    generator = np.random.default_rng([subject.seed, 2])

    def leaf(a: NDArray) -> Tensor:
        if a.dtype.kind != "f":
            return tensor(a)
        return tensor(a + move * generator.uniform(-1, 1, a.shape), requires_grad=True)

    inputs = [mapped(value, leaf) for value in subject.inputs]
    leaves = [
        p
        for x in inputs
        for p in (x if isinstance(x, list | tuple) else [x])
        if isinstance(p, Tensor) and p.requires_grad
    ]
    with subject.seeded(), enable_grad():
        joined(subject.target(*inputs, **subject.options)).backward(tensor(dy), create_graph=create_graph)
    return leaves, [leaf.grad for leaf in leaves]


def along(subject: Subject, dy: NDArray) -> tuple[float, float]:
    """The second derivative in the direction v by the graph of the gradient, and the size of its terms."""
    leaves, gradients = gradients_at(subject, dy, create_graph=True)
    for leaf in leaves:
        leaf.grad = None
    weighted = [
        (g * w).sum()
        for g, w in zip(gradients, weights(subject, gradients), strict=True)
        if g is not None and g.requires_grad
    ]
    if weighted:
        sum(weighted[1:], weighted[0]).backward()
    generator = np.random.default_rng([subject.seed, 2])
    terms = [(0.0 if x.grad is None else x.grad.array) * generator.uniform(-1, 1, x.shape) for x in leaves]
    return float(sum(t.sum() for t in terms)), float(sum(np.abs(t).sum() for t in terms))


def weights(subject: Subject, gradients: list[Any]) -> list[Any]:
    """Random weights of the gradients' elements."""
    generator = np.random.default_rng([subject.seed, 3])
    return [None if g is None else generator.uniform(0.5, 1.5, g.shape) for g in gradients]


def difference_along(subject: Subject, dy: NDArray, h: float = 1e-5) -> float:
    """The same by a central difference of the gradient."""

    def weighted(move: float) -> float:
        _, gradients = gradients_at(subject, dy, move)
        return sum(
            float((g.array * w).sum())
            for g, w in zip(gradients, weights(subject, gradients), strict=True)
            if g is not None
        )

    # Richardson: the error is of fourth order.
    wide, close = ((weighted(k * h) - weighted(-k * h)) / (2 * k * h) for k in (2, 1))
    return (4 * close - wide) / 3
