"""Code as it is shipped, run on floats of any width and on exact numbers."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.announce import announced
from tinygrad_edu.graph import sweep
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.random import default_generator
from tinygrad_edu.testing.agree import gives_pair, is_bare
from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.exact import graph
from tinygrad_edu.testing.pair import Pair, as_pair, of_layer
from tinygrad_edu.testing.subject import Subject, as_inputs, mapped

__all__ = ["Shipped"]


@dataclass(frozen=True)
class Shipped:
    """A pair, a layer or a function of Tensors, with inputs.

    Attributes
    ----------
    name : str
    inputs : tuple
        Floats are float64.
    options : dict
    pair : Pair
        On arrays of floats.
    exact : callable
        The same on exact numbers.
    seed : int
    subject : Subject or None
        Of a layer or function.
    """

    name: str
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    pair: Pair
    exact: Callable[..., Any]
    seed: int = 0
    subject: Subject | None = None

    @classmethod
    def of(cls, target: Any, inputs: tuple[Any, ...], options: dict[str, Any], seed: int = 0) -> Shipped:
        """What a caller names or passes; the inputs of what is announced may be omitted."""
        inputs = as_inputs(inputs)
        announced_one = isinstance(target, str) or (isinstance(target, type) and issubclass(target, Layer))
        if announced_one or isinstance(target, Layer):
            with seeded(seed):
                subject = Subject.of(target, inputs or None, options, seed)
            return cls.of_subject(subject, seed)
        if isinstance(target, Module):
            raise TypeError(
                f"{type(target).__name__}: expected a single layer; look at the layers of a model one by one"
            )
        name = getattr(target, "__name__", "")
        if not inputs and name in announced:
            return cls.of_subject(Subject.of(target, None, options, seed), seed)
        if is_bare(target) and not gives_pair(target, inputs, options):
            return cls.of_subject(Subject.of(target, inputs, options, seed), seed)
        pair = as_pair(target)
        return cls(
            pair.name, tuple(mapped(x, double) for x in inputs), options, pair, with_exact_constructors(pair), seed
        )

    @classmethod
    def of_subject(cls, subject: Subject, seed: int) -> Shipped:
        """A layer by hand, or a function by its graph, whose arguments are then the arrays that have a gradient."""
        if isinstance(subject.target, Layer):
            pair = of_layer(subject.target)
            return cls(pair.name, subject.inputs, {}, pair, with_exact_constructors(pair), seed, subject)
        found = list(subject.differentiable())

        def recorded(*leaves: Any) -> tuple[Any, Callable]:
            y, tensors = graph.recorded(subject, leaves)

            def backward(dy: Any) -> tuple[Any, ...]:
                totals = sweep([(y.node or y, dy)], retain_graph=True) if y.requires_grad else {}
                return tuple(totals.get(leaf) for leaf in tensors)

            return y.array, backward

        pair = Pair(subject.name, recorded, tuple(name for name, *_ in found))
        arrays = tuple(array for *_, array in found)
        return cls(subject.name, arrays, {}, pair, graph.as_pair(subject), seed, subject)

    def at(self, dtype: Any, scale: float = 1.0) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """All arguments and the options, with the inputs times `scale`, but for a loss's target, rounded to a dtype."""

        def rounded(a: NDArray) -> NDArray:
            return a.astype(dtype) if a.dtype.kind == "f" else a

        many = 1 if getattr(self.subject and self.subject.target, "kind", "") == "loss" else len(self.inputs)
        given = tuple(mapped(x, lambda a: a * scale if a.dtype.kind == "f" else a) for x in self.inputs[:many])
        given += self.inputs[many:]
        with seeded(self.seed):
            arguments, own = self.pair.complete(given)
        arguments = tuple(mapped(a, rounded) for a in arguments)
        options = {name: mapped(value, rounded) for name, value in {**own, **self.options}.items()}
        if self.subject is not None and isinstance(self.subject.target, Layer):
            self.subject.target.check(*arguments, **options)
        return arguments, options

    def run(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[NDArray, Callable]:
        """The result on floats, and the backward; of copies, which the forward may write to."""
        with seeded(self.seed):
            return self.pair(*copy.deepcopy(arguments), **copy.deepcopy(options))


def double(array: NDArray) -> NDArray:
    """Floats as float64, others as they are."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it NumPy's own generator and the library's start from a seed; afterwards they are as they were."""
    state, own = np.random.get_state(), default_generator.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    default_generator.manual_seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
        default_generator.set_state(own)
