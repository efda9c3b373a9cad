"""The recorded graph on exact numbers: the operations' own forwards and rules, as they stand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tinygrad_edu.grad_mode import enable_grad
from tinygrad_edu.graph import Node, sweep
from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.constructors import exact_constructors
from tinygrad_edu.testing.exact.array import posing_as_floats
from tinygrad_edu.testing.recorded import joined
from tinygrad_edu.testing.subject import Subject, mapped

__all__ = ["as_pair", "has_complex", "recorded"]


def recorded(subject: Subject, leaves: tuple[Any, ...]) -> tuple[Tensor, list[Tensor]]:
    """The result of a function of Tensors, with the graph that led to it.

    Parameters
    ----------
    subject : Subject
        Of a function.
    leaves : tuple of array
        In the places of ``subject.differentiable()``.

    Returns
    -------
    y : Tensor
    tensors : list of Tensor
        Those of the leaves.
    """
    tensors = [tensor(leaf, requires_grad=True) for leaf in leaves]
    # The subject's arrays are copies of its own, no two of them the same.
    found = {id(x): leaf for (_, _, _, x), leaf in zip(subject.differentiable(), tensors, strict=True)}
    inputs = [mapped(value, lambda x: found[id(x)] if id(x) in found else tensor(x)) for value in subject.inputs]
    with subject.seeded(), enable_grad():
        return joined(subject.target(*inputs, **subject.options)), tensors


def as_pair(subject: Subject) -> Callable[..., Any]:
    """A function of Tensors as a pair of its forward and a backward, which sweeps the graph that the forward recorded.

    Parameters
    ----------
    subject : Subject
        Of a function.

    Returns
    -------
    callable
        ``pair(*leaves) -> (y, backward)`` on exact arrays.
    """

    @functools.wraps(subject.target)
    def pair(*leaves: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        with exact_constructors(), posing_as_floats():
            y, tensors = recorded(subject, leaves)

        def backward(dy: Any) -> tuple[Any, ...]:
            if not y.requires_grad:
                return ()
            with exact_constructors(), posing_as_floats():
                totals = sweep([(y.node or y, dy)], retain_graph=True)
            return tuple(totals.get(leaf) for leaf in tensors)

        return y.array, backward

    return pair


def has_complex(y: Tensor) -> bool:
    """Whether complex numbers led to a result."""
    seen: set[Any] = set()
    waiting: list[Any] = [y.node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node) and node not in seen:
            if node.dtype.kind == "c":
                return True
            seen.add(node)
            waiting += node.parents
    return False
