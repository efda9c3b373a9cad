"""Operations of the user's own: a forward and a backward in one class, as in ``torch.autograd.Function``."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import mode, set_grad_enabled
from tinygrad_edu.graph import Node, Result, Step, Value, record
from tinygrad_edu.ops.operation import needs_gradient
from tinygrad_edu.tensor import Tensor, _wrap

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What a forward leaves for its backward; any attribute may be set on it as well.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each argument of ``apply``, whether its gradient is wanted.
    """

    __slots__ = ("__dict__", "_node", "_values")
    needs_input_grad: tuple[bool, ...]
    _node: Node
    _values: tuple[Tensor | None, ...]

    def __init__(self) -> None:
        # In the dictionary, which the ctx of the forward and those of the backwards share.
        self._saved: tuple[Tensor | None, ...] = ()
        self._unmarked: tuple[Tensor, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep arguments or results for the backward, which refuses them if they were overwritten meanwhile.

        Parameters
        ----------
        *tensors : Tensor or None

        Raises
        ------
        TypeError
            If something is no Tensor; it can be set as an attribute instead.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward: expected Tensors or None, got {type(tensor).__name__}. Set it as an attribute "
                    "of ctx instead, as in ctx.value = value."
                )
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What :meth:`save_for_backward` kept, with its history where the gradients are recorded."""
        return getattr(self, "_values", self._saved)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these results have no gradient, such as indices; their cotangent is zero."""
        self._unmarked = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the cotangent of a result that nobody used is zeros (the default) or None."""
        self._materialize = value


class Parts:
    """The cotangents of a node with several results: one for each, None where there is none."""

    __slots__ = ("items",)
    # What the sweep compares with the node's; each item's was checked at its own part node.
    shape: ClassVar[tuple[int, ...]] = ()
    dtype: ClassVar[None] = None

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __add__(self, other: Parts) -> Parts:
        pairs = zip(self.items, other.items, strict=True)
        return Parts([b if a is None else a if b is None else a + b for a, b in pairs])


_PART = Step("part")


class _PartNode(Node):
    """The node of one of several results; its parent is the node of them all."""

    __slots__ = ("__weakref__",)


class JointNode(Node):
    """A node with one or several results; it keeps values as Tensors, among which its results may be.

    Attributes
    ----------
    context : object
        What `pull` gets beside the saved values.
    parts : list of weak references to Node
        For several results the node of each, for as long as somebody holds it.
    """

    __slots__ = ("context", "count", "parts")
    context: Any
    count: int
    parts: list[Any]

    @classmethod
    def record(
        cls,
        operation: Any,
        pull: Callable,
        parents: tuple[Node | Value, ...],
        outputs: Sequence[Tensor],
        saved: Sequence[Any],
        context: Any,
    ) -> None:
        """Make a node, and make it the history of the outputs."""
        node = record(operation, pull, parents, (context, *saved), outputs[0].array, cls)
        node.context = context
        node.count = len(outputs)
        node.parts = []
        if len(outputs) > 1:
            node.shape, node.dtype = Parts.shape, Parts.dtype
        for i, output in enumerate(outputs):
            output.tracked = True
            output.node = node.part(i, output.array) if len(outputs) > 1 else node
            node.parts.append(None if len(outputs) == 1 else weakref.ref(output.node))

    def part(self, i: int, array: np.ndarray) -> Node:
        """A node for one of several results."""
        count = self.count

        def pull(g: Any, values: Any) -> tuple[Parts]:
            items: list[Any] = [None] * count
            items[i] = g
            return (Parts(items),)

        return record(_PART, pull, (self,), (), array, _PartNode)

    def values(self, revive: Callable[[Any, Node], Value] | None) -> list:
        """The node itself and its saved Tensors, with their history if `revive` is given."""
        saved = super().values(revive)[1:]
        return [self, [_wrap(value) if isinstance(value, np.ndarray) else value for value in saved]]


class SavedResult(Result):
    """A saved result, and which of several it is."""

    __slots__ = ("place",)

    def __init__(self, output: Tensor, place: int) -> None:
        super().__init__(output.array, output.shared_memory())
        self.place = place

    def revived(self, node: Any, revive: Callable[[Any, Node], Value]) -> Value:
        """A Tensor with its own part of the node as its history."""
        if node.count > 1:
            node = node.parts[self.place]() or node.part(self.place, self.array)
        return revive(self.array, node)


def _kept(value: Value | None, outputs: Sequence[Tensor]) -> Any:
    for i, output in enumerate(outputs):
        if value is not None and value.array is output.array:
            return SavedResult(output, i)
    return value


class Function:
    r"""An operation whose derivative is written by hand; subclass it, and call it by ``apply``.

    ``forward(ctx, *args)`` computes the result (or a tuple of results) with nothing recorded, and keeps on `ctx` what
    ``backward(ctx, *grads)`` needs. The backward gets the cotangent of each result and returns that of each argument,
    None where there is none. It computes with Tensors, so that with ``create_graph=True`` it is recorded, and second
    derivatives follow from it.

    A subclass may instead define ``forward(*args)`` without `ctx`, and ``setup_context(ctx, inputs, output)``.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> class Cube(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x * x * dy
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> (dx,) = tg.autograd.grad(Cube.apply(x), x, create_graph=True)
    >>> (ddx,) = tg.autograd.grad(dx, x)
    >>> dx.item(), ddx.item()
    (12.0, 12.0)
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result from ``ctx`` and the arguments; every subclass defines this."""
        raise NotImplementedError("Function: define forward(ctx, *args) as a static method")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what the backward needs, where the forward takes no `ctx`."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        """Compute each argument's cotangent from those of the results; every subclass defines this."""
        raise NotImplementedError("Function: define backward(ctx, *grad_outputs) as a static method")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute the forward, and record it where an argument requires a gradient.

        Parameters
        ----------
        *args
            Tensors, and anything else that the forward takes.

        Returns
        -------
        Tensor or tuple
            What the forward returned, with history.

        Raises
        ------
        TypeError
            If the forward returned an array, whose history would silently end.
        """
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and needs_gradient(a) for a in args)
        with set_grad_enabled(False):
            if cls.setup_context is Function.setup_context:
                returned = cls.forward(ctx, *args)
            else:
                returned = cls.forward(*args)
                cls.setup_context(ctx, args, returned)
        listed = list(returned) if isinstance(returned, tuple | list) else [returned]
        for item in listed:
            if isinstance(item, np.ndarray | np.generic):
                raise TypeError(f"{cls.__name__}.forward: returned an array; return a Tensor, as by tensor(y)")
        operands = [a for a in args if isinstance(a, Tensor)]
        # Tensors of our own: the forward may have returned an argument, and ctx may hold what it returned.
        results = [_alias(item, operands) if isinstance(item, Tensor) else item for item in listed]
        differentiable = [
            i
            for i, item in enumerate(listed)
            if isinstance(item, Tensor) and item.dtype.kind in "fc" and all(item is not t for t in ctx._unmarked)
        ]
        if mode.enabled and any(ctx.needs_input_grad) and differentiable:
            call = _Call(cls, ctx, args, results, differentiable)
            parents = tuple(args[i].node or args[i] for i in call.wanted)
            # A result that is also an argument is saved as the argument.
            outputs = [results[i] for i in differentiable]
            saved = [t if any(t is a for a in operands) else _kept(t, outputs) for t in ctx._saved]
            ctx._saved = ()
            JointNode.record(Step(cls.__name__, keeps=bool(saved)), _pull, parents, outputs, saved, call)
        ctx._unmarked = ()
        return type(returned)(results) if isinstance(returned, tuple | list) else results[0]


class _Call:
    """One call of a Function: what its backward needs beyond the saved values."""

    __slots__ = ("arguments", "ctx", "differentiable", "function", "results", "wanted")

    def __init__(
        self, function: type[Function], ctx: FunctionCtx, args: tuple, results: list[Any], differentiable: list[int]
    ) -> None:
        self.function = function
        self.ctx = ctx
        self.wanted = [i for i, needed in enumerate(ctx.needs_input_grad) if needed]
        self.arguments = [(a.shape, a.dtype) if isinstance(a, Tensor) else None for a in args]
        self.results = [(r.shape, r.dtype) if isinstance(r, Tensor) else None for r in results]
        self.differentiable = differentiable

    def cotangents(self, total: Any) -> list[Tensor | None]:
        """One for each result of the forward."""
        given: list[Any] = [None] * len(self.results)
        for i, g in zip(self.differentiable, total.items if isinstance(total, Parts) else [total], strict=True):
            given[i] = g if g is None or isinstance(g, Tensor) else _wrap(g)
        if self.ctx._materialize:
            given = [_wrap(np.zeros(*r)) if g is None and r else g for g, r in zip(given, self.results, strict=True)]
        return given

    def checked(self, gradients: Any) -> list[Any]:
        """The gradients of the wanted arguments, once it is certain that they are their gradients."""
        name = f"{self.function.__name__}.backward"
        gradients = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
        expected = len(self.arguments)
        if len(gradients) < expected or any(g is not None for g in gradients[expected:]):
            raise RuntimeError(
                f"{name}: expected {expected} gradients, one for each argument of forward (None where there is none), "
                f"got {len(gradients)}"
            )
        for i, (g, argument) in enumerate(zip(gradients, self.arguments, strict=False)):
            if g is None:
                continue
            if not isinstance(g, Tensor):
                raise TypeError(f"{name}: expected a Tensor or None as gradient {i}, got {type(g).__name__}")
            if argument is None:
                raise RuntimeError(f"{name}: argument {i} is no Tensor, so its gradient is None; got shape {g.shape}")
            if g.shape != argument[0]:
                raise ShapeError(f"{name}: gradient {i} has shape {g.shape}, its argument has shape {argument[0]}")
        return [gradients[i] for i in self.wanted]


def _alias(item: Tensor, operands: list[Tensor]) -> Tensor:
    result = _wrap(item.array)
    result.memory = memory = item.shared_memory()
    for operand in operands:
        if operand.memory is memory or np.may_share_memory(operand.array, item.array):
            # As for a view taken under no_grad: writing through it cannot be recorded, and says so.
            memory = result.memory = operand.shared_memory()
            result.origin = (operand, None, (), {}, memory.rewired)
    return result


def _pull(total: Any, values: list[Any]) -> list[Any]:
    node, saved = values
    call: _Call = node.context
    # Of its own, so that two sweeps at once do not see each other's, but with the attributes of the forward's.
    ctx = object.__new__(FunctionCtx)
    ctx.__dict__ = call.ctx.__dict__
    ctx._values = tuple(saved)
    ctx._node = node
    gradients = call.checked(call.function.backward(ctx, *call.cotangents(total)))
    if mode.enabled:
        return gradients
    # Views, so that a leaf copies what might be a saved value or an attribute of ctx.
    return [None if g is None else g.array[...] for g in gradients]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a backward that is not itself differentiable, such as one in plain NumPy: a second derivative says so.

    Parameters
    ----------
    backward : callable
        A static ``backward(ctx, *grads)``; it may return arrays.

    Returns
    -------
    callable

    Examples
    --------
    >>> import numpy as np, tinygrad_edu as tg
    >>> class Sinc(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x.sin() / x
    ...     @staticmethod
    ...     @tg.autograd.function.once_differentiable
    ...     def backward(ctx, dy):
    ...         x, g = ctx.saved_tensors[0].detach().numpy(), dy.detach().numpy()
    ...         return g * (np.cos(x) - np.sin(x) / x) / x
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> Sinc.apply(x).backward()
    >>> round(x.grad.item(), 4)
    -0.4354
    """

    @functools.wraps(backward)
    def once(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        with set_grad_enabled(False):
            gradients = backward(ctx, *grad_outputs)
        listed = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
        listed = [_wrap(g) if isinstance(g, np.ndarray | np.generic) else g for g in listed]
        if mode.enabled:
            listed = [g if g is None else _undifferentiable(g, ctx) for g in listed]
        return tuple(listed)

    return once


def _undifferentiable(gradient: Tensor, ctx: FunctionCtx) -> Tensor:
    name = ctx._node.name()

    def refuse(g: Any, values: Any) -> Any:
        raise RuntimeError(
            f"{name}: its backward is once_differentiable, so there is no second derivative through it. Write the "
            "backward in Tensor operations and drop the decorator."
        )

    result = _wrap(gradient.array)
    result.node = record(Step(f"{name}Backward"), refuse, ctx._node.parents, (), result.array)
    result.tracked = True
    return result
