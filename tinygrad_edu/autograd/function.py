"""Operations of the user's own: a forward and a backward in one class, as in ``torch.autograd.Function``."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.autograd.joint import JointNode, Parts, alias, kept_value
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import mode, set_grad_enabled
from tinygrad_edu.graph import FREED, Step, record, unbroadcast
from tinygrad_edu.ops.operation import needs_gradient, require_recorded, require_writable, rewire
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
    # Once the call was recorded; weak, since the node holds the forward's ctx.
    _node: weakref.ref[JointNode]
    # In a backward.
    _values: tuple[Tensor | None, ...]

    def __init__(self) -> None:
        # In the dictionary, which the ctx of the forward and those of the backwards share.
        self._saved: tuple[Tensor | None, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
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
        """What :meth:`save_for_backward` kept, with its history where the gradients are recorded.

        Raises
        ------
        RuntimeError
            If a backward has freed it, or something was overwritten.
        """
        if not hasattr(self, "_node"):
            return self._saved
        node = self._node()
        if node is None or node.kept is FREED:
            raise RuntimeError(
                "saved_tensors: a backward has freed them, or nobody holds the graph that kept them. Call the backward "
                "with retain_graph=True to have them afterwards."
            )
        return self._values if hasattr(self, "_values") else tuple(node.values(None)[1])

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that the forward has overwritten these arguments, which it must return as well.

        ``apply`` returns the very same Tensors, with this call as their history; their bases and views follow.

        Parameters
        ----------
        *tensors : Tensor

        Raises
        ------
        TypeError
            If something is no Tensor.
        """
        _require_tensors("mark_dirty", tensors)
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these results have no gradient, such as indices; their cotangent is zero.

        Parameters
        ----------
        *tensors : Tensor

        Raises
        ------
        TypeError
            If something is no Tensor.
        """
        _require_tensors("mark_non_differentiable", tensors)
        self._unmarked = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the cotangent of a result that nobody used is zeros (the default) or None."""
        self._materialize = value


def _require_tensors(name: str, tensors: tuple[Any, ...]) -> None:
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: expected Tensors, got {type(tensor).__name__}")


class Function:
    r"""An operation whose derivative is written by hand; subclass it, and call it by ``apply``.

    ``forward(ctx, *args)`` computes the result (or a tuple of results) with nothing recorded, and keeps on `ctx` what
    ``backward(ctx, *grads)`` needs. The backward gets the cotangent of each result and returns that of each argument,
    None where there is none. It computes with Tensors, so that with ``create_graph=True`` it is recorded, and second
    derivatives follow from it. Others may get the same cotangents, so it must not write to them; their arrays are
    read-only. A gradient that is larger than its argument is summed over what broadcasting had repeated.

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

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refused: a Function is called by :meth:`apply`."""
        raise TypeError(f"{cls.__name__}: there are no objects of a Function; call {cls.__name__}.apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result from ``ctx`` and the arguments; every subclass defines this."""
        raise NotImplementedError("a Function defines forward(ctx, *args) as a static method")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what the backward needs, where the forward takes no `ctx`."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        """Compute each argument's cotangent from those of the results; every subclass defines this."""
        raise NotImplementedError("a Function defines backward(ctx, *grad_outputs) as a static method")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Compute the forward, and record it where an argument requires a gradient.

        Parameters
        ----------
        *args, **kwargs
            Tensors, and anything else that the forward takes; the backward returns a gradient for each, in the order of
            the forward's parameters.

        Returns
        -------
        Tensor or tuple
            What the forward returned, with history.

        Raises
        ------
        TypeError
            If the forward returned an array, whose history would silently end.
        RuntimeError
            If an argument was marked dirty that may not be overwritten, such as a leaf, or that was not returned.
        """
        separate = cls.setup_context is not Function.setup_context
        ctx = FunctionCtx()
        if kwargs or separate:
            args = _by_position(cls.forward, args, kwargs, separate)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and needs_gradient(a) for a in args)
        with set_grad_enabled(False):
            if separate:
                returned = cls.forward(*args)
                cls.setup_context(ctx, args, returned)
            else:
                returned = cls.forward(ctx, *args)
        listed = list(returned) if isinstance(returned, tuple | list) else [returned]
        for item in listed:
            if isinstance(item, np.ndarray | np.generic):
                raise TypeError(f"{cls.__name__}.forward: returned an array; return a Tensor, as by tensor(y)")
        operands = [a for a in args if isinstance(a, Tensor)]
        dirty = _overwritten(cls, ctx, operands, listed)
        # Tensors of our own: the forward may have returned an argument, and ctx may hold what it returned.
        results = [
            alias(item, operands, f"{cls.__name__}.forward")
            if isinstance(item, Tensor) and not _among(item, dirty)
            else item
            for item in listed
        ]
        differentiable = [
            i
            for i, item in enumerate(listed)
            if isinstance(item, Tensor) and item.dtype.kind in "fc" and not _among(item, ctx._unmarked)
        ]
        if mode.enabled and any(ctx.needs_input_grad) and differentiable:
            _record(_Call(cls, ctx, args, results, differentiable), args, [results[i] for i in differentiable], dirty)
        ctx._unmarked = ctx._dirty = ()
        if isinstance(returned, tuple):
            return tuple(results)
        return results if isinstance(returned, list) else results[0]


def _overwritten(
    function: type[Function], ctx: FunctionCtx, operands: list[Tensor], returned: list[Any]
) -> list[Tensor]:
    """The arguments that were marked dirty, once it is certain that they could be, and noted as written."""
    dirty = [t for t in ctx._dirty if _among(t, operands)]
    for t in dirty:
        where = f"{function.__name__}.forward: an argument of shape {t.shape} was marked dirty and"
        if not _among(t, returned):
            raise RuntimeError(f"{where} not returned; every argument that was overwritten must be a result")
        if _among(t, ctx._unmarked):
            raise RuntimeError(f"{where} non-differentiable")
        t.written()
    return dirty


def _record(call: _Call, args: tuple[Any, ...], outputs: list[Tensor], dirty: list[Tensor]) -> None:
    ctx, name = call.ctx, call.function.__name__
    for t in dirty:
        require_writable(t, f"{name}, mark_dirty")
        require_recorded(t, f"{name}, mark_dirty")
    parents = tuple(args[i].node or args[i] for i in call.wanted)
    # A result that is also an argument is saved as the argument, unless its values are the result's alone.
    intact = [a for a in args if isinstance(a, Tensor) and not _among(a, dirty)]
    saved = [t if _among(t, intact) else kept_value(t, outputs) for t in ctx._saved]
    node = JointNode.record(Step(name, keeps=bool(saved)), _pull, parents, outputs, saved, call)
    for t in dirty:
        if t.node is not None:  # integers have none
            rewire(t, t.node)
    ctx._node = weakref.ref(node)
    ctx._saved = ()


def _among(item: Any, others: Sequence[Any]) -> bool:
    return any(item is other for other in others)


def _by_position(forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], all_of: bool) -> tuple:
    """The arguments in the order of the forward's parameters: `all_of` them, or up to the last one given."""
    parameters = inspect.signature(forward)
    given = parameters.bind(*args, **kwargs) if all_of else parameters.bind(None, *args, **kwargs)
    last = max(list(parameters.parameters).index(name) for name in given.arguments) + 1
    given.apply_defaults()
    if given.kwargs:
        raise TypeError(f"{forward.__qualname__}: {list(given.kwargs)} cannot be given by position, as apply() does")
    if all_of:
        return given.args
    return given.args[1 : max(last, 1 + len(args))]


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
            given[i] = g if g is None or isinstance(g, Tensor) else _read_only(g)
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
        for i in self.wanted:
            gradients[i] = self._fitted(gradients[i], i)
        for i, argument in enumerate(self.arguments):
            if argument is None and gradients[i] is not None:
                raise RuntimeError(f"{name}: argument {self._named(i)} is no Tensor, so its gradient is None")
        return [gradients[i] for i in self.wanted]

    def _fitted(self, g: Any, i: int) -> Any:
        if g is None:
            return None
        shape = self.arguments[i][0]  # type: ignore[index]  # a Tensor, since its gradient is wanted
        name = f"{self.function.__name__}.backward"
        if not isinstance(g, Tensor):
            raise TypeError(f"{name}: expected a Tensor or None as gradient {self._named(i)}, got {type(g).__name__}")
        if g.shape == shape:
            return g
        new = g.ndim - len(shape)
        if new < 0 or any(n not in (1, length) for n, length in zip(shape, g.shape[new:], strict=True)):
            raise ShapeError(f"{name}: gradient {self._named(i)} has shape {g.shape}, its argument has shape {shape}")
        return unbroadcast(g, shape)

    def _named(self, i: int) -> str:
        parameters = list(inspect.signature(self.function.forward).parameters.values())
        if self.function.setup_context is Function.setup_context:
            del parameters[:1]
        named = i < len(parameters) and parameters[i].kind is not inspect.Parameter.VAR_POSITIONAL
        return f"{i} ({parameters[i].name})" if named else str(i)


def _read_only(cotangent: np.ndarray) -> Tensor:
    view = cotangent[...]
    view.flags.writeable = False
    return _wrap(view)


def _pull(total: Any, values: list[Any]) -> list[Any]:
    node, saved = values
    call: _Call = node.context
    # Of its own, so that two sweeps at once do not see each other's, but with the attributes of the forward's.
    ctx = object.__new__(FunctionCtx)
    ctx.__dict__ = call.ctx.__dict__
    ctx._values = tuple(saved)
    ctx._node = weakref.ref(node)
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
    node = ctx._node()
    assert node is not None  # it is being swept
    name = node.name()

    def refuse(g: Any, values: Any) -> Any:
        raise RuntimeError(
            f"{name}: its backward is once_differentiable, so there is no second derivative through it. Write the "
            "backward in Tensor operations and drop the decorator."
        )

    result = _wrap(gradient.array)
    result.node = record(Step(f"{name}Backward"), refuse, node.parents, (), result.array)
    result.tracked = True
    return result
