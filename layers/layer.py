"""Layer: one class with the definition, the hand-derived pair, and all that follows from the two.

A layer states its mathematics twice::

    class Linear(Layer):
        @staticmethod
        def definition(x, weight, bias): ...            # in Tensor operations: the graph differentiates it
        @staticmethod
        def by_hand(x, weight, bias): ...               # in NumPy: returns the result and its own backward

Both take the same arguments: the inputs, then parameters, then after ``*`` what has no gradient. Whatever is no input
is read from the attribute of the same name. From these two the base class makes

- ``layer(ndarray)`` and ``layer.backward(dy)``: the hand-derived pair, with nothing recorded;
- ``layer(tensor)``: the same pair as one fused node of the graph;
- ``layer(tensor)`` within ``expanded()``: the definition's own operations;
- second derivatives through a fused node, by way of the definition;
- ``Linear.functional(x, weight, bias)``: the same without an object, which ``nn.functional`` builds on;
- the torch twin, the verification, the benchmark and the documentation, by its ``example``.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import types
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import graph
from tinygrad_edu.announce import Announcement, announce
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.grad_mode import mode
from tinygrad_edu.graph import Result, Step, clock, record, sweep
from tinygrad_edu.layers.module import Module
from tinygrad_edu.ops.operation import needs_gradient, pair_of, plain
from tinygrad_edu.tensor import Tensor, _revived, _wrap

__all__ = ["Layer", "expanded"]


class _Expanded(threading.local):
    on = False


_expanded = _Expanded()


class expanded:
    """Within it a layer records its definition's own operations instead of one fused node.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> layer, x = nn.Linear(3, 2), tg.ones(1, 3)
    >>> layer(x).grad_fn.name()
    'Linear'
    >>> with nn.expanded():
    ...     layer(x).grad_fn.name()
    'add'
    """

    def __enter__(self) -> None:
        self.previous = _expanded.on
        _expanded.on = True

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _expanded.on = self.previous


class Layer(Module):
    """A module given by a definition and a hand-derived pair; see :mod:`tinygrad_edu.layers.layer`.

    A subclass defines `definition` and `by_hand` (or names in `operation` the one operation that it is), and an
    `example`. It may define `check`, to refuse arguments before anything is computed, and `prepare`.
    """

    kind: ClassVar[Any] = "layer"
    definition: ClassVar[Callable[..., Any]]
    by_hand: ClassVar[Callable[..., Any]]
    example: ClassVar[Callable[..., Any]]
    operation: ClassVar[Callable[..., Any] | None] = None
    name: ClassVar[str]
    # What a node asks of the operation it records.
    broadcasts: ClassVar[bool] = False
    keeps: ClassVar[bool] = True
    _positional: ClassVar[tuple[str, ...]] = ()
    _options: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.name = cls.__name__
        if "operation" in cls.__dict__:
            cls.definition, cls.by_hand = _of_operation(cls.operation)
        if "definition" in cls.__dict__ or "by_hand" in cls.__dict__:
            signature = inspect.signature(cls.definition)
            if str(_untyped(signature)) != str(_untyped(inspect.signature(cls.by_hand))):
                raise TypeError(
                    f"{cls.__name__}: definition{signature} and by_hand{inspect.signature(cls.by_hand)} take different "
                    "arguments, but are two forms of one function"
                )
            kinds = signature.parameters.values()
            cls._positional = tuple(p.name for p in kinds if p.kind is not p.KEYWORD_ONLY)
            cls._options = tuple(p.name for p in kinds if p.kind is p.KEYWORD_ONLY)
        if "example" in cls.__dict__:
            announce(Announcement(cls.__name__, cls.kind, cls, [cls.example]))

    @staticmethod
    def check(*arguments: Any, **options: Any) -> None:
        """Refuse arguments that do not fit; takes what `definition` takes. By default everything fits."""

    def prepare(self, *inputs: Any) -> dict[str, Any]:
        """What this one call needs beyond attributes, such as a random mask: options by name."""
        return {}

    def forward(self, *inputs: Any) -> Any:
        """Record the layer on Tensors: as one fused node, or within :class:`expanded` as its definition."""
        parameters, options = self._arguments(inputs)
        return self.functional(*inputs, *parameters, **options)

    def _arguments(self, inputs: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
        """The rest of the definition's arguments: parameters and options, from the attributes of the same names."""
        wanted = [name for name in self._positional if name not in self._parameters and name not in self.__dict__]
        if len(inputs) != len(wanted):
            raise TypeError(f"{self.name}: expected {len(wanted)} inputs ({', '.join(wanted)}), got {len(inputs)}")
        for x in inputs:
            if not isinstance(x, Tensor | np.ndarray):
                raise TypeError(f"{self.name}: expected a Tensor or a NumPy array, got {type(x).__name__}")
        parameters = [getattr(self, name) for name in self._positional[len(inputs) :]]
        self._one_float((*inputs, *parameters))
        options = self.prepare(*inputs)
        return parameters, {name: options[name] if name in options else getattr(self, name) for name in self._options}

    @classmethod
    def _one_float(cls, arguments: tuple[Any, ...]) -> None:
        """Refuse floats of two types, of which the result would take the wider one unnoticed, and complex numbers."""
        first = None
        for name, a in zip(cls._positional, arguments, strict=False):
            if not isinstance(a, Tensor | np.ndarray) or a.dtype.kind != "f":
                if getattr(a, "dtype", None) in ("complex64", "complex128"):
                    raise DtypeError(
                        f"{cls.name}: {name} of shape {tuple(a.shape)} is {a.dtype}, and layers compute with real numbers. "
                        "Pass view_as_real of it, or write the layer in Tensor operations."
                    )
                continue
            if first is None:
                first, known = name, a
            elif a.dtype != known.dtype:
                wide, narrow = (first, a) if known.dtype.itemsize > a.dtype.itemsize else (name, known)
                raise DtypeError(
                    f"{cls.name}: {first} of shape {known.shape} is {known.dtype}, but {name} of shape {a.shape} is "
                    f"{a.dtype}. Convert one of them, as by {wide}.astype({str(narrow.dtype)!r}) or layer.to(x.dtype)."
                )

    def pair(self, *inputs: Any) -> tuple[Any, Callable]:
        """The hand-derived pair on arrays; see :meth:`Module.pair`."""
        parameters, options = self._arguments(inputs)
        arrays = [p.array if isinstance(p, Tensor) else p for p in parameters]
        plain_options = {k: v.array if isinstance(v, Tensor) else v for k, v in options.items()}
        self.check(*inputs, *arrays, **plain_options)
        name = self.name  # a backward that held the layer would keep it from being freed
        y, by_hand = type(self).by_hand(*inputs, *arrays, **plain_options)
        called = next(clock)
        form = np.shape(y), y.dtype  # the result itself is not kept
        cells = _cells(by_hand)
        held = [p for p in parameters if isinstance(p, Tensor) and _among(p.array, cells)]

        def backward(dy: Any, input_gradient: bool = True) -> Any:
            for parameter in held:
                if parameter.memory is not None and parameter.memory.written > called:
                    raise RuntimeError(
                        f"{name}.backward: a parameter of shape {parameter.shape} was overwritten since the forward, "
                        "and its old value is needed. Take all gradients first, then update."
                    )
            dy = _fitting(name, dy, *form)
            gradients = _tuple(by_hand(dy))
            wanted = [isinstance(p, Tensor) and p.tracked for p in parameters]
            wanted = [input_gradient] * len(inputs) + wanted
            found = [
                _shaped(name, gradient, a) if want else None
                for gradient, want, a in zip(gradients, wanted, (*inputs, *parameters), strict=True)
            ]
            taken = {id(dy)}
            for parameter, gradient in zip(parameters, found[len(inputs) :], strict=True):
                if gradient is not None:
                    parameter._accumulate(gradient, taken)
            if not input_gradient:
                return None
            return found[0] if len(inputs) == 1 else tuple(found[: len(inputs)])

        return y, backward

    @classmethod
    def functional(cls, *arguments: Any, **options: Any) -> Any:
        """Compute from all arguments of the definition: arrays give an array, Tensors record one fused node.

        Parameters
        ----------
        *arguments : Tensor, array or None
            Inputs and parameters, in the definition's order.
        **options
            The definition's keyword-only arguments.

        Returns
        -------
        Tensor, or numpy.ndarray if no argument is a Tensor
        """
        arrays = [a.array if isinstance(a, Tensor) else a for a in arguments]
        plain_options = {k: v.array if isinstance(v, Tensor) else v for k, v in options.items()}
        cls._one_float(tuple(arrays))
        cls.check(*arrays, **plain_options)
        if all(a is b for a, b in zip(arguments, arrays, strict=True)):
            return cls.by_hand(*arrays, **plain_options)[0]
        if _expanded.on or graph.pack is not None:  # what a closure holds no hook could pack
            return cls.definition(*arguments, **options)
        if cls.operation is not None:
            return cls.operation(*arguments, **options)
        y, by_hand = cls.by_hand(*arrays, **plain_options)
        result = _wrap(y)
        if mode.enabled:
            wanted = [i for i, a in enumerate(arguments) if isinstance(a, Tensor) and needs_gradient(a)]
            if wanted:
                _record(cls, arguments, options, wanted, by_hand, result)
        return result


def _untyped(signature: inspect.Signature) -> inspect.Signature:
    return signature.replace(
        parameters=[p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )


def _of_operation(call: Any) -> tuple[Any, Any]:
    """Definition and pair of a layer that is one operation: both are that operation's own."""

    def by_hand(*arguments: Any, **options: Any) -> Any:
        return pair_of(call, *arguments, **options)

    by_hand.__signature__ = inspect.signature(call)  # type: ignore[attr-defined]
    return staticmethod(call), staticmethod(by_hand)


def _tuple(gradients: Any) -> tuple[Any, ...]:
    return gradients if isinstance(gradients, tuple) else (gradients,)


def _evaluated(gradient: Any) -> Any:
    """A gradient may be a function of nothing, which is called only where the gradient is wanted."""
    return gradient() if callable(gradient) else gradient


def _shaped(name: str, gradient: Any, argument: Any) -> Any:
    """A gradient by hand, once it is certain that it has its argument's shape; None where there is none."""
    gradient = _evaluated(gradient)
    if gradient is not None and np.shape(gradient) != argument.shape:
        raise ShapeError(
            f"{name}.backward: by_hand gave a gradient of shape {np.shape(gradient)} for an argument of shape "
            f"{argument.shape}"
        )
    return gradient


def _fitting(name: str, dy: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    dy = np.asarray(dy)
    if dy.shape != shape:
        raise ShapeError(f"{name}.backward: expected dy of the result's shape {shape}, got {dy.shape}")
    return dy if dy.dtype == dtype else dy.astype(dtype)


def _cells(backward: Any) -> list[Any]:
    """What a backward holds: the values in its closure's cells, also within functions and collections among them."""
    contents: list[Any] = []
    seen: set[int] = set()  # a function may hold itself
    waiting = [backward]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif inspect.isfunction(value):
            for cell in value.__closure__ or ():
                # A cell is empty where the function names what this call did not assign.
                with contextlib.suppress(ValueError):
                    waiting.append(cell.cell_contents)
        else:
            contents.append(value)
    return contents


# What may be held beside arrays without holding any.
PLAIN: tuple[type, ...] = (
    *(int, float, str, bytes, type(None), type(...), slice, range),
    *(np.dtype, np.ufunc, type, types.ModuleType, types.BuiltinFunctionType),
)


def require_float(name: str, x: Any) -> None:
    """Refuse integers and booleans, whose result would be float64 whatever the model is."""
    if x.dtype.kind in "biu":
        raise DtypeError(
            f"{name}: expected floats, got an input of shape {x.shape} {x.dtype}. Convert it: x.astype('float32')"
        )


class _Call:
    """What a fused node keeps: the backward's closure, and what a second derivative runs the definition on."""

    __slots__ = ("arguments", "backward", "layer", "options", "parents", "wanted")

    def __init__(
        self,
        layer: type[Layer],
        backward: Callable,
        arguments: list[Any],
        options: dict[str, Any],
        wanted: list[int],
        parents: tuple[Any, ...],
    ) -> None:
        self.layer = layer
        self.backward = backward
        self.arguments = arguments
        self.options = options
        self.wanted = wanted
        self.parents = parents

    def first(self, dy: np.ndarray) -> list[np.ndarray]:
        """The cotangents by hand, of those arguments that need one."""
        gradients = _tuple(self.backward(dy))
        return [_evaluated(gradients[i]) for i in self.wanted]

    def recorded(self, dy: Tensor) -> list[Tensor]:
        """The same cotangents by the definition's graph, which can be differentiated once more."""
        arguments = list(self.arguments)
        entries = []
        for i, parent in zip(self.wanted, self.parents, strict=True):
            array = arguments[i].array
            entries.append(record(_ENTRY, lambda g, values: (g,), (parent,), (), array))
            arguments[i] = _revived(array, entries[-1])
        # The call has moved the running statistics already: the rerun moves copies.
        options = {k: v.detach().clone() if isinstance(v, Tensor) else v for k, v in self.options.items()}
        y = self.layer.definition(*arguments, **options)
        totals = sweep([(y.node, dy)], True, _revived, targets=frozenset(entries), within=True)
        return [totals[e] if e in totals else _wrap(np.zeros(e.shape, e.dtype)) for e in entries]


# Of a node that stands for an argument in a rerun of the definition.
_ENTRY = Step("entry")


def _pull(dy: Any, values: list[Any]) -> list[Any]:
    call: _Call = values[-1]
    return call.recorded(dy) if isinstance(dy, Tensor) else call.first(dy)


def _record(
    layer: type[Layer],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    wanted: list[int],
    by_hand: Callable,
    result: Tensor,
) -> None:
    operands = [a for a in arguments if isinstance(a, Tensor)]
    holdings = _cells(by_hand)
    cells = [value for value in holdings if isinstance(value, np.ndarray)]
    held = [a for a in operands if _among(a.array, cells)]
    given = [plain(value) for value in (*arguments, *options.values())]
    # Of an input without dimensions NumPy makes a number, which then holds that input's value, or the result.
    known = all(isinstance(value, (np.ndarray, *PLAIN)) and not isinstance(value, np.generic) for value in holdings)
    if known and all(_among(cell, given) for cell in cells):
        # The closure holds arguments alone, so the gradients do not depend on the values of the others: a second
        # derivative can do with zeros in their place, and their memory is let go.
        again = [_hollow(a) if isinstance(a, Tensor) and not any(a is h for h in held) else a for a in arguments]
    else:
        again, held = list(arguments), operands
    holds_result = _among(result.array, cells)
    parents = tuple(arguments[i].node or arguments[i] for i in wanted)
    call = _Call(layer, by_hand, again, options, wanted, parents)
    kept = (*held, *((Result(result.array),) if holds_result else ()), call)
    result.node = record(layer, _pull, parents, kept, result.array)
    result.tracked = True


def _among(array: Any, arrays: list[Any]) -> bool:
    """Whether an array, or a view of its memory, is among these."""
    return any(array is a or (isinstance(a, np.ndarray) and np.may_share_memory(array, a)) for a in arrays)


def _hollow(x: Tensor) -> Tensor:
    """A tensor of the same history whose values, all zero, take no memory."""
    twin = _wrap(np.broadcast_to(np.zeros((), x.array.dtype), x.array.shape))
    twin.node, twin.tracked = x.node, x.tracked
    return twin
