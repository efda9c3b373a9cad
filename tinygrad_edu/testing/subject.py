"""What is verified: a module or a function, with inputs, cut loose from the caller's own."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.announce import Announcement, Case, announced
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.random import default_generator
from tinygrad_edu.tensor import Tensor

__all__ = ["Subject", "mapped"]


@dataclass
class Subject:
    """A module or function in float64, its inputs, and a seed for what it draws.

    Attributes
    ----------
    target : Module or callable
        A module is a copy, in float64, all of whose parameters require a gradient.
    inputs : tuple
        Arrays (floats are float64) and plain options, in positional order; lists of arrays too.
    options : dict
        Keyword arguments of a function.
    seed : int
    suspects : dict of str to int
        For a gradient, by name, the flat index of an element that central differences should not leave out.
    """

    target: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    suspects: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, target: Any, inputs: Any = None, options: dict[str, Any] | None = None, seed: int = 0) -> Subject:
        """The subject for what a caller of ``verify`` names or passes; inputs are drawn where they are omitted."""
        options = options or {}
        if isinstance(target, str):
            if target not in announced:
                raise TypeError(
                    f"verify: no operation, layer or loss is called {target!r}; the names are the keys of "
                    "tinygrad_edu.announce.announced"
                )
            target = announced[target].target
        if isinstance(target, type) and issubclass(target, Module):
            case = example_of(target.__name__)
            target, options = case.function, {**case.options, **options}
            inputs = case.inputs if inputs is None else inputs
        elif not callable(target):
            raise TypeError(f"verify: expected a layer, a function or a name, got {type(target).__name__}")
        elif inputs is None:
            case = example_of(name_of(target))
            inputs = fitted(target, case)
            if not isinstance(target, Module) and announced[name_of(target).rstrip("_")].target is target:
                target = case.function  # which may be the operation on what the example makes of the inputs
            options = options if isinstance(target, Module) else {**case.options, **options}
        drawn = Case(target, as_inputs(inputs), options).drawn(np.random.default_rng(seed))
        if isinstance(target, Module):
            target = copy.deepcopy(target).double().requires_grad_(True)
        return cls(target, tuple(mapped(value, double) for value in drawn), options, seed)

    @property
    def name(self) -> str:
        """The class of a module, the name of a function."""
        return name_of(self.target)

    def fresh(self) -> Any:
        """A copy that may be run without moving the original's statistics or gradients."""
        if not isinstance(self.target, Module):
            return self.target
        twin = copy.deepcopy(self.target)
        twin.zero_grad()
        return twin

    def input_names(self) -> list[str]:
        """Names for the inputs, from the signature."""
        target = self.target
        function = target.definition if isinstance(target, Layer) else getattr(target, "forward", target)
        try:
            parameters = dict(inspect.signature(function).parameters)
        except ValueError:
            parameters = {}
        names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        names = names[: len(self.inputs)]
        names += [f"input{i}" for i in range(len(names), len(self.inputs))]
        taken = {name for name, _ in target.named_parameters()} if isinstance(target, Module) else set()
        return [f"{name} (input)" if name in taken else name for name in names]

    def differentiable(self) -> Iterator[tuple[str, int, int | None, NDArray]]:
        """Each float input: its name, its position, its place if the input is a list, its array."""
        for i, (name, value) in enumerate(zip(self.input_names(), self.inputs, strict=True)):
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                yield name, i, None, value
            elif isinstance(value, list | tuple):
                for k, item in enumerate(value):
                    if isinstance(item, np.ndarray) and item.dtype.kind == "f":
                        yield f"{name}[{k}]", i, k, item

    @contextlib.contextmanager
    def seeded(self) -> Iterator[None]:
        """Every form draws the same random numbers, and the library's generator is left as it was."""
        before = default_generator.get_state()
        default_generator.manual_seed(self.seed)
        try:
            yield
        finally:
            default_generator.set_state(before)


def name_of(target: Any) -> str:
    """The class of a module, the name of a function."""
    return type(target).__name__ if isinstance(target, Module) else getattr(target, "__name__", type(target).__name__)


def mapped(value: Any, convert: Callable[[NDArray], Any]) -> Any:
    """An input with `convert` applied to its array, or to each array in a list."""
    if isinstance(value, np.ndarray):
        return convert(value)
    if type(value) in (list, tuple) and any(isinstance(item, np.ndarray) for item in value):
        return type(value)(mapped(item, convert) for item in value)
    return value


def double(array: NDArray) -> NDArray:
    """A copy, of float64 if it holds floats."""
    return np.array(array, np.float64 if array.dtype.kind == "f" else None)


def as_inputs(given: Any) -> tuple[Any, ...]:
    """What a caller passes as inputs, as a tuple without Tensors."""
    if isinstance(given, float) or (
        isinstance(given, list) and not any(isinstance(x, np.ndarray | Tensor) for x in given)
    ):
        given = np.array(given)
    return tuple(without_tensors(value) for value in (given if isinstance(given, tuple) else (given,)))


def without_tensors(value: Any) -> Any:
    """An input with every Tensor replaced by its array."""
    if isinstance(value, Tensor):
        return value.array
    if type(value) in (list, tuple):
        return type(value)(without_tensors(item) for item in value)
    return value


def example_of(name: str) -> Case:
    """The first example of what is announced, with small sizes, as the forms include slow ones."""
    known = announced.get(name.rstrip("_"))
    if known is None or not known.examples:
        raise TypeError(f"verify: {name} is not announced, so it has no example to draw inputs from; pass inputs=")
    return known.case(**small(known))


def small(known: Announcement) -> dict[str, Any]:
    """Arguments for the first example: its defaults where property tests draw them, else the middle of their range."""
    example = known.examples[0]
    parameters = inspect.signature(example).parameters
    return {
        name: parameters[name].default if parameters[name].default in choices else choices[len(choices) // 2]
        for name, choices in known.ranges(example).items()
    }


def fitted(target: Any, case: Case) -> tuple[Any, ...]:
    """The example's inputs, with the layer's own sizes in place of the example's."""
    if not isinstance(target, Module):
        return case.inputs
    for attribute, axis in (("in_features", -1), ("in_channels", 1), ("num_features", 1)):
        if hasattr(target, attribute) and hasattr(case.function, attribute):
            first = case.inputs[0]
            shape = list(first.shape)
            shape[axis] = getattr(target, attribute)
            if attribute == "in_channels":
                reach = [d * (k - 1) + 1 for d, k in zip(target.dilation, target.kernel_size, strict=True)]
                shape[2:] = [max(n, r) for n, r in zip(shape[2:], reach, strict=True)]
            return (replace(first, shape=tuple(shape)), *case.inputs[1:])
    return case.inputs
