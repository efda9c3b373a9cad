"""One form for everything that computes on NumPy arrays and brings its own backward."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor

__all__ = ["Pair", "as_pair"]

KINDS = (
    "by_hand(*args) -> (y, backward), two functions (forward(*args), backward(dy, *args)) in a tuple, or a Layer such as "
    "nn.Linear(3, 2)"
)


@dataclass(frozen=True)
class Pair:
    """A forward with a hand-derived backward, whatever form it was given in.

    Called with arrays it gives the result and a ``backward(dy)``, which returns a tuple: for each argument an array, or
    None where the pair gives no gradient.

    Attributes
    ----------
    name : str
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)``.
    parameters : tuple of str
        The names of positional arguments.
    kind : {'pair', 'layer', 'torch'}
    file : str or None
        Where the source stands, as far as Python knows.
    line : int or None
    functions : tuple of two callables, or None
        The forward and the backward of a pair that was given as these.
    complete : callable
        From a caller's inputs to all positional arguments and the options: a layer appends its parameters.
    """

    name: str
    by_hand: Callable[..., Any]
    parameters: tuple[str, ...] = ()
    kind: str = "pair"
    file: str | None = None
    line: int | None = None
    complete: Callable[[tuple[Any, ...]], tuple[tuple[Any, ...], dict[str, Any]]] = lambda inputs: (inputs, {})
    functions: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def __call__(self, *arguments: Any, **options: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        """The result for these arguments, and its backward."""
        found = self.by_hand(*arguments, **options)
        if not is_pair(found):
            raise TypeError(
                f"{self.name}: expected (y, backward), where backward is a function of dy, got {told(found)}"
            )
        y, backward = found
        if isinstance(y, tuple | list | dict):
            raise TypeError(f"{self.name}: expected one array as the result, got {told(y)}. Stack several into one")
        return y, lambda dy: self._gradients(backward(dy), arguments)

    def argument(self, i: int) -> str:
        """The name of a positional argument."""
        return self.parameters[i] if i < len(self.parameters) else f"argument {i}"

    def where(self) -> str:
        """File and line of the source; empty if there is none."""
        return f"{self.file}:{self.line}" if self.file else ""

    def _gradients(self, given: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        gradients = list(given) if isinstance(given, tuple | list) else [given]
        floats = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray) and a.dtype.kind in "fO"]
        if len(gradients) > len(arguments):
            raise TypeError(f"{self.name}: backward gave {len(gradients)} gradients for {len(arguments)} arguments")
        # Fewer belong to the first arguments, unless there is one for each array of floats.
        places = floats if len(gradients) == len(floats) else list(range(len(gradients)))
        result: list[Any] = [None] * len(arguments)
        for i, gradient in zip(places, gradients, strict=True):
            gradient = gradient() if callable(gradient) else gradient
            if isinstance(gradient, dict | str):
                raise TypeError(
                    f"{self.name}: expected an array as gradient of {self.argument(i)}, got {told(gradient)}"
                )
            result[i] = gradient if gradient is None or isinstance(gradient, np.ndarray) else np.asarray(gradient)
        return tuple(result)


def as_pair(target: Any) -> Pair:
    """Take a bare pair, two functions, a layer, or a function or module of PyTorch as a :class:`Pair`.

    Parameters
    ----------
    target : callable, tuple of two callables, Layer, torch.autograd.Function class, or torch.nn.Module
        ``by_hand(*args, **options) -> (y, backward)``; or ``(forward, backward)``, where ``backward`` takes ``dy`` and the
        arguments of ``forward``, or ``dy`` and what ``forward`` returned beside its result, or ``dy`` alone.

    Returns
    -------
    Pair
        Floats of a layer are float64.

    Raises
    ------
    TypeError
        If it is none of these. What a function returns is seen only when it is called.

    Examples
    --------
    >>> import numpy as np
    >>> pair = as_pair((lambda x: x * x, lambda dy, x: 2 * x * dy))
    >>> y, backward = pair(np.array([3.0]))
    >>> y, backward(np.ones(1))
    (array([9.]), (array([6.]),))
    """
    if isinstance(target, Pair):
        return target
    if isinstance(target, Layer):
        return of_layer(target)
    if type(target).__module__.startswith("torch") or is_torch(target):
        from tinygrad_edu.testing.torch_pair import torch_pair

        return torch_pair(target)
    if isinstance(target, tuple | list):
        if len(target) != 2 or not all(callable(f) for f in target):
            raise TypeError(f"as_pair: expected two functions, (forward, backward), got {told(target)}")
        forward, backward = target
        file, line = source_of(backward)
        by_hand = of_functions(forward, backward)
        functions = (forward, backward)
        return Pair(called(forward), by_hand, names_of(forward), file=file, line=line, functions=functions)
    if isinstance(target, type | Module) or not callable(target):
        raise TypeError(f"as_pair: expected {KINDS}; got {told(target)}")
    file, line = source_of(target)
    return Pair(called(target), target, names_of(target), file=file, line=line)


def is_pair(found: Any) -> bool:
    """Whether this is what a pair returns: a result and a function."""
    return isinstance(found, tuple | list) and len(found) == 2 and callable(found[1]) and not callable(found[0])


def is_torch(target: Any) -> bool:
    """Whether this is a class or an object of PyTorch's, told without importing it."""
    classes = target.__mro__ if isinstance(target, type) else type(target).__mro__
    return any(c.__module__.partition(".")[0] == "torch" for c in classes)


def of_functions(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    """A pair from two functions: what the backward needs is its arguments, or what the forward kept for it."""
    taken = positional(backward)
    accepted = keywords(backward)

    def by_hand(*arguments: Any, **options: Any) -> tuple[Any, Callable]:
        y = forward(*arguments, **options)
        if isinstance(y, tuple) and len(y) == 2:
            y, kept = y
            return y, lambda dy: backward(dy, kept)
        if taken == 1:
            return y, backward
        chosen = options if accepted is None else {name: v for name, v in options.items() if name in accepted}
        return y, lambda dy: backward(dy, *arguments, **chosen)

    return by_hand


def of_layer(layer: Layer) -> Pair:
    """A layer's own pair, in float64, with its parameters as arguments."""
    layer = copy.deepcopy(layer).double()
    kind = type(layer)

    def complete(inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        parameters, options = layer._arguments(inputs)
        arrays = [p.array if isinstance(p, Tensor) else p for p in parameters]
        return (*inputs, *arrays), {name: v.array if isinstance(v, Tensor) else v for name, v in options.items()}

    file, line = source_of(kind.by_hand)
    return Pair(kind.__name__, kind.by_hand, kind._positional, "layer", file, line, complete)


def called(function: Any) -> str:
    """A function's name."""
    return getattr(function, "__qualname__", type(function).__name__).replace("<locals>.", "").rpartition(".")[2]


def parameters_of(function: Any) -> list[inspect.Parameter]:
    """A function's parameters; none for one written in C that does not tell."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return []


def names_of(function: Any) -> tuple[str, ...]:
    """Names of positional parameters."""
    return tuple(p.name for p in parameters_of(function) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


def positional(function: Any) -> int | None:
    """How many positional arguments a function must be given; None if any number will do."""
    parameters = parameters_of(function)
    if not parameters or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty for p in parameters)


def keywords(function: Any) -> set[str] | None:
    """The names that a function takes as keywords; None if any."""
    parameters = parameters_of(function)
    return None if any(p.kind is p.VAR_KEYWORD for p in parameters) else {p.name for p in parameters}


def source_of(function: Any) -> tuple[str | None, int | None]:
    """File and line at which a function is written."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return (code.co_filename, code.co_firstlineno) if code else (None, None)


def told(value: Any) -> str:
    """What a value is, for a message."""
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {', '.join(type(v).__name__ for v in value) or 'nothing'}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"{type(value).__name__} {value!r}" if isinstance(value, str | int | float) else type(value).__name__
