"""The forms of a derivative: the same gradients, got in independent ways.

A form takes a :class:`Subject` and a cotangent and gives the result and every gradient by name. Where a form does not
exist for a subject it raises :class:`Absent` with the reason.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.announce import announced
from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.grad_mode import enable_grad
from tinygrad_edu.layers.layer import Layer, _evaluated, _tuple, expanded
from tinygrad_edu.layers.module import Module
from tinygrad_edu.layers.torch_twin import import_torch
from tinygrad_edu.ops import cat
from tinygrad_edu.random import default_generator
from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.numerical import central_difference

__all__ = ["FORMS", "Absent", "Gradients", "Subject"]


class Absent(Exception):
    """A form that a subject does not have; the message says why."""


@dataclass
class Gradients:
    """What one form gives: the result, and the gradients by name, NaN where it was not computed."""

    result: NDArray
    by_name: dict[str, NDArray]


@dataclass
class Subject:
    """What is verified: a module or function in float64, its inputs, and a seed for what it draws.

    Attributes
    ----------
    target : Module or callable
    inputs : tuple
        Arrays (floats are float64) and plain options, in positional order; lists of arrays too.
    options : dict
        Keyword arguments of a function.
    """

    target: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    @property
    def name(self) -> str:
        """The class of a module, the name of a function."""
        return type(self.target).__name__ if isinstance(self.target, Module) else self.target.__name__

    def fresh(self) -> Any:
        """A copy that may be run without moving the original's statistics or gradients."""
        if not isinstance(self.target, Module):
            return self.target
        twin = copy.deepcopy(self.target)
        twin.zero_grad()
        return twin

    def input_names(self) -> list[str]:
        """Names for the inputs, from the signature."""
        if isinstance(self.target, Layer):
            names = list(type(self.target)._positional)
        else:
            function = self.target.forward if isinstance(self.target, Module) else self.target
            try:
                names = list(inspect.signature(function).parameters)
            except ValueError:
                names = []
        names = names[: len(self.inputs)]
        return names + [f"input{i}" for i in range(len(names), len(self.inputs))]

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


def _mapped(value: Any, convert: Callable[[NDArray], Any]) -> Any:
    if isinstance(value, np.ndarray):
        return convert(value)
    if type(value) in (list, tuple) and any(isinstance(item, np.ndarray) for item in value):
        return type(value)(_mapped(item, convert) for item in value)
    return value


def _joined(result: Any) -> Tensor:
    """A result as one Tensor: of several, the floats side by side."""
    parts = [result] if isinstance(result, Tensor) else result
    if not isinstance(parts, list | tuple) or not all(isinstance(part, Tensor) for part in parts):
        raise Absent(f"gives {type(result).__name__}, not Tensors")
    if len(parts) == 1:
        return parts[0]
    return cat([part.reshape(-1) for part in parts if part.is_floating_point()])


def _placed(inputs: list[Any], subject: Subject) -> dict[str, Any]:
    return {name: inputs[i] if k is None else inputs[i][k] for name, i, k, _ in subject.differentiable()}


def _leaf(array: NDArray) -> Tensor:
    return tensor(array, requires_grad=array.dtype.kind == "f")


def _graph(subject: Subject, dy: NDArray | None, whole: bool) -> tuple[Gradients, Tensor]:
    target = subject.fresh()
    inputs = [_mapped(value, _leaf) for value in subject.inputs]
    with subject.seeded(), enable_grad(), expanded() if whole else contextlib.nullcontext():
        y = _joined(target(*inputs, **subject.options))
    found: dict[str, Any] = {}
    if y.requires_grad and dy is not None:
        y.backward(tensor(dy))
    for name, leaf in _placed(inputs, subject).items():
        found[name] = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.array
    if isinstance(target, Module):
        for name, parameter in target.named_parameters():
            found[name] = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.array
    return Gradients(y.array, found), y


def graph(subject: Subject, dy: NDArray) -> Gradients:
    """The definition's own operations, recorded and swept."""
    return _graph(subject, dy, whole=True)[0]


def fused(subject: Subject, dy: NDArray) -> Gradients:
    """The hand-derived pair as one node of the recorded graph."""
    if not isinstance(subject.target, Module):
        raise Absent("a function has no fused node")
    return _graph(subject, dy, whole=False)[0]


def by_hand(subject: Subject, dy: NDArray) -> Gradients:
    """The hand-derived pair on arrays."""
    if not isinstance(subject.target, Module):
        raise Absent("a function has no hand-derived pair")
    target = subject.fresh()
    if not isinstance(target, Layer) and type(target).pair is Module.pair:
        raise Absent(f"{subject.name} has only a forward")
    with subject.seeded():
        y, backward = target.pair(*subject.inputs)
    dxs = backward(dy)
    dxs = dxs if isinstance(dxs, tuple) else (dxs,)
    found = {name: np.asarray(dxs[i]) for name, i, _, _ in subject.differentiable() if dxs[i] is not None}
    for name, parameter in target.named_parameters():
        found[name] = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.array
    return Gradients(np.asarray(y), found)


def reference(subject: Subject, dy: NDArray) -> Gradients:
    """A third pair that a layer may give: the mathematics in the words of a library that others trust."""
    target = subject.fresh()
    if getattr(target, "reference", None) is None:
        raise Absent("the layer has no reference pair")
    parameters, options = target._arguments(subject.inputs)
    plain = [p.array if isinstance(p, Tensor) else p for p in parameters]
    y, backward = type(target).reference(*subject.inputs, *plain, **options)
    gradients = [_evaluated(g) for g in _tuple(backward(dy))]
    names = [name for name, _, _, _ in subject.differentiable()] + list(type(target)._positional[len(subject.inputs) :])
    return Gradients(y, {n: g for n, g, p in zip(names, gradients, [*subject.inputs, *plain], strict=True) if p is not None})


def torch(subject: Subject, dy: NDArray) -> Gradients:
    """The same layer or function in PyTorch, with the same weights."""
    try:
        torch_ = import_torch()
    except MissingExtraError as error:
        raise Absent("PyTorch is not installed") from error
    target = subject.fresh()
    inputs = [_mapped(v, lambda a: torch_.tensor(a, requires_grad=a.dtype.kind == "f")) for v in subject.inputs]
    if isinstance(target, Module):
        if any(type(part).__name__ == "Dropout" and part.training and part.p > 0 for part in target.modules()):
            raise Absent("PyTorch draws other random numbers")
        try:
            twin = target.to_torch()
        except TypeError as error:
            raise Absent(str(error)) from error
        y = twin(*inputs)
    else:
        twin = _torch_function(subject, torch_)
        try:
            y = twin(*inputs, **subject.options)
        except TypeError as error:
            raise Absent(f"{subject.name} takes other arguments in PyTorch") from error
        if isinstance(y, tuple | list):
            y = y[0] if len(y) == 1 else torch_.cat([part.reshape(-1) for part in y if part.is_floating_point()])
    if y.requires_grad:
        try:
            y.backward(torch_.tensor(dy))
        except RuntimeError as error:
            if "is not implemented" not in str(error):
                raise
            raise Absent(f"PyTorch has no derivative of {subject.name}") from error
    leaves = _placed(inputs, subject)
    if isinstance(target, Module):
        leaves |= dict(twin.named_parameters())
    found = {n: np.zeros(tuple(p.shape)) if p.grad is None else p.grad.numpy() for n, p in leaves.items()}
    return Gradients(y.detach().numpy(), found)


def _torch_function(subject: Subject, torch_: Any) -> Callable[..., Any]:
    known = announced.get(subject.name.rstrip("_"))
    if known is None or known.target is not subject.target:
        raise Absent("a function of one's own has no twin")
    for home in (torch_, torch_.nn.functional, torch_.Tensor):
        twin = getattr(home, subject.name, None)
        if callable(twin):
            return twin
    raise Absent(f"PyTorch has no {subject.name}")


def numerical(subject: Subject, dy: NDArray, elements: int = 60) -> Gradients:
    """Central differences of the forward, at some elements drawn at random; NaN elsewhere and at kinks."""
    if dy.dtype.kind != "f":
        raise Absent("the result is no float")
    generator = np.random.default_rng(subject.seed)
    target = subject.fresh()
    has_pair = isinstance(target, Module) and (isinstance(target, Layer) or type(target).pair is not Module.pair)

    def forward(inputs: list[Any]) -> NDArray:
        with subject.seeded():
            # A fresh copy each time, as a forward may move running statistics.
            run = copy.deepcopy(target) if isinstance(target, Module) and list(target.buffers()) else target
            if has_pair:
                return np.array(run.pair(*inputs)[0])
            return _joined(run(*[_mapped(value, tensor) for value in inputs], **subject.options)).array.copy()

    found: dict[str, NDArray] = {}

    def difference(name: str, array: NDArray, f: Callable[[NDArray], NDArray]) -> None:
        at = np.sort(generator.choice(array.size, min(elements, array.size), replace=False)) if array.size else np.arange(0)
        values, smooth = central_difference(f, array, dy, at)
        full = np.full(array.size, np.nan)
        full[at[smooth]] = values[smooth]
        found[name] = full.reshape(array.shape)

    for name, i, k, array in subject.differentiable():

        def of_input(moved: NDArray, i: int = i, k: int | None = k) -> NDArray:
            inputs = list(subject.inputs)
            inputs[i] = moved if k is None else [*inputs[i][:k], moved, *inputs[i][k + 1 :]]
            return forward(inputs)

        difference(name, array, of_input)
    if isinstance(target, Module):
        for name, parameter in list(target.named_parameters()):

            def of_parameter(moved: NDArray, parameter: Tensor = parameter) -> NDArray:
                before, parameter.array = parameter.array, moved
                try:
                    return forward(list(subject.inputs))
                finally:
                    parameter.array = before

            difference(name, parameter.array.copy(), of_parameter)
    return Gradients(forward(list(subject.inputs)), found)


FORMS: dict[str, Callable[[Subject, NDArray], Gradients]] = {
    "graph": graph,
    "fused": fused,
    "by hand": by_hand,
    "reference": reference,
    "torch": torch,
    "numerical": numerical,
}
"""Every form by name; all but the last are exact up to rounding."""
