r"""Functions from functions to their derivatives, under the names of ``torch.func``.

They nest, and nothing is left behind: the arguments' ``grad`` is not touched, and a result has a history only if the
function depends, through an argument or a variable that it captures, on some Tensor outside that requires a gradient.
An outer transform is the usual reason for that, so the recording reaches exactly as far as somebody will ask.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.autograd.functional import columns_of, gradients, pushed, rows_of, transposed, zeros_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.func.tree import flattened, mapped
from tinygrad_edu.grad_mode import enable_grad, is_grad_enabled
from tinygrad_edu.graph import Node
from tinygrad_edu.tensor import Tensor, tensor

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "value_and_grad", "vjp"]

Argnums = int | tuple[int, ...]


class Entry(Tensor):
    """A leaf that stands for an argument while a transform calls its function.

    Afterwards graphs may still hold it, but nobody outside can ask for its gradient any more.
    """

    __slots__ = ("active",)
    active: bool

    @classmethod
    def of(cls, x: Tensor) -> Entry:
        """A new leaf with the values of a Tensor, in the same memory."""
        entry = cls(dtype=x.dtype)
        entry.array, entry.memory = x.array, x.shared_memory()
        entry.requires_grad = True
        entry.active = True
        return entry


class Called(NamedTuple):
    """What a function gave for new Tensors in the place of the arguments to differentiate for."""

    inputs: list[Tensor]
    like_inputs: Callable[[list[Any]], Any]
    outputs: list[Tensor]
    like_outputs: Callable[[list[Any]], Any]
    aux: Any
    outside: bool  # whether what was computed depends on any other Tensor that requires a gradient

    def out(self, tensors: Iterable[Tensor]) -> list[Tensor]:
        """Tensors to hand out: with their history only if it leads outside."""
        return [x if self.outside else x.detach() for x in tensors]


def called(name: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool, args: Any, kwargs: Any) -> Called:
    """Call a function, with new Tensors in the place of the arguments that `argnums` names."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    for place in places:
        if not -len(args) <= place < len(args):
            raise ValueError(f"{name}: argnums={argnums}, but the function was given {len(args)} positional arguments")
    chosen = tuple(args[i] for i in places) if isinstance(argnums, tuple) else args[argnums]
    leaves, like_inputs = flattened(chosen)
    for x in leaves:
        if not isinstance(x, Tensor) or x.dtype.kind not in "fc":
            got = f"a Tensor of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"{name}: expected float Tensors to differentiate for, got {got}; choose others by argnums")
    outer = is_grad_enabled()
    # New Tensors in any case, so that an argument that the function also captures is a constant to it.
    inputs = [ops.view(x, x.shape) if outer and x.requires_grad else Entry.of(x) for x in leaves]
    given = list(args)
    entries = like_inputs(inputs)
    for place, entry in zip(places, entries if isinstance(argnums, tuple) else (entries,), strict=True):
        given[place] = entry
    try:
        with enable_grad():
            result = func(*given, **kwargs)
    finally:
        for x in inputs:
            if isinstance(x, Entry):
                x.active = False
    aux = None
    if has_aux:
        if not (isinstance(result, tuple) and len(result) == 2):
            got = f"{len(result)} results" if isinstance(result, tuple) else type(result).__name__
            raise TypeError(f"{name}: with has_aux=True the function must return (output, aux), got {got}")
        result, aux = result
    outputs, like_outputs = flattened(result)
    for y in outputs:
        if not isinstance(y, Tensor):
            raise TypeError(f"{name}: the function must return Tensors, got {type(y).__name__}")
    extra = [x for x in flattened(aux)[0] if isinstance(x, Tensor)]
    outside = outer and leads_outside([*outputs, *extra])
    if not outside:
        aux = mapped(lambda x: x.detach() if isinstance(x, Tensor) else x, aux)
    return Called(inputs, like_inputs, outputs, like_outputs, aux, outside)


def leads_outside(tensors: list[Tensor]) -> bool:
    """Whether the history of any of these Tensors has a leaf whose gradient somebody may still ask for."""
    seen: set[Any] = set()
    stack: list[Any] = [x.node or x for x in tensors if x.requires_grad]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Node):
            stack.extend(node.parents)
        elif not isinstance(node, Entry) or node.active:
            return True
    return False


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    r"""The function that computes the gradient :math:`\nabla f` of a function of one element.

    Parameters
    ----------
    func : callable
        It returns a Tensor without dimensions; with `has_aux` a pair of that and anything else.
    argnums : int or tuple of int, default 0
        For which positional arguments to differentiate: Tensors, or tuples, lists and dictionaries of them.
    has_aux : bool, default False
        Whether the function returns something else besides, which is handed on.

    Returns
    -------
    callable
        From the function's arguments to the gradient, in the form of the chosen argument (a tuple for a tuple of them);
        with `has_aux` to a pair of that and the rest. Zeros where the function does not depend on an argument.

    Raises
    ------
    RuntimeError
        When called, if the function's result has dimensions.
    TypeError
        When called, if an argument to differentiate for is no float Tensor.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.func import grad
    >>> grad(tg.sin)(tg.tensor(0.0)), grad(grad(lambda x: x**3))(tg.tensor(2.0))
    (tensor(1.), tensor(12.))
    """
    with_value = _gradient("grad", func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        slope, value = with_value(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As :func:`grad`, with the function's value behind the gradient: PyTorch's order.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int, default 0
    has_aux : bool, default False

    Returns
    -------
    callable
        From the function's arguments to (gradient, value), or (gradient, (value, aux)).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.func.grad_and_value(lambda x: x**3)(tg.tensor(2.0))
    (tensor(12.), tensor(8.))
    """
    return functools.wraps(func)(_gradient("grad_and_value", func, argnums, has_aux))


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As :func:`grad`, with the function's value before the gradient: the order of JAX.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int, default 0
    has_aux : bool, default False

    Returns
    -------
    callable
        From the function's arguments to (value, gradient), or ((value, aux), gradient).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.func.value_and_grad(lambda x: x**3)(tg.tensor(2.0))
    (tensor(8.), tensor(12.))
    """
    with_value = _gradient("value_and_grad", func, argnums, has_aux)
    return functools.wraps(func)(lambda *args, **kwargs: with_value(*args, **kwargs)[::-1])


def _gradient(name: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool) -> Callable[..., tuple[Any, Any]]:
    def gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = called(name, func, argnums, has_aux, args, kwargs)
        if len(call.outputs) != 1 or call.outputs[0].ndim != 0:
            shapes = ", ".join(str(y.shape) for y in call.outputs)
            raise RuntimeError(
                f"{name}: the function must return a single Tensor without dimensions, got shapes {shapes}. Reduce it, "
                "as with .sum(), or use jacrev."
            )
        with enable_grad():
            found = gradients(call.outputs, call.inputs, [None], call.outside)
        slope = call.like_inputs(_filled(found, call.inputs))
        value = call.out(call.outputs)[0]
        return slope, ((value, call.aux) if has_aux else value)

    return gradient


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    r"""A function's value, and the function :math:`g \mapsto g^\top J` at that place: its backward.

    Parameters
    ----------
    func : callable
        From Tensors, or trees of them, to a Tensor or a tree.
    *primals : Tensor, or tuple, list or dict of Tensor
        Where to differentiate.
    has_aux : bool, default False
        Whether the function returns a pair, whose second part is handed on.

    Returns
    -------
    output : Tensor or tree
    backward : callable
        From a cotangent in the form of the output to a tuple of those of the primals. It can be called repeatedly.
    aux : anything
        With `has_aux` alone.

    Raises
    ------
    TypeError
        If a primal is no float Tensor.
    ValueError
        From `backward`, if a cotangent has another form or shape than the output.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> y, backward = tg.func.vjp(lambda a, b: a * b, tg.tensor(2.0), tg.tensor(3.0))
    >>> y, backward(tg.tensor(1.0))
    (tensor(6.), (tensor(3.), tensor(2.)))
    """
    call = called("vjp", func, tuple(range(len(primals))), has_aux, primals, {})

    def backward(cotangents: Any) -> tuple[Any, ...]:
        g = _matching("vjp", "cotangents", "the output", cotangents, call.outputs)
        create = is_grad_enabled() and (call.outside or any(x.requires_grad for x in g))
        with enable_grad():
            found = gradients(call.outputs, call.inputs, g, create, retain_graph=True)
        return call.like_inputs(_filled(found, call.inputs))

    value = call.like_outputs(call.out(call.outputs))
    return (value, backward, call.aux) if has_aux else (value, backward)


def jvp(
    func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, has_aux: bool = False
) -> tuple[Any, ...]:
    r"""A function's value, and its derivative :math:`J v` in a direction.

    It is computed by the double-backward trick; see :func:`tinygrad_edu.autograd.functional.jvp`.

    Parameters
    ----------
    func : callable
        From Tensors, or trees of them, to a Tensor or a tree.
    primals : tuple
        Where to differentiate: the arguments.
    tangents : tuple
        The direction :math:`v`, in the form of the primals.
    has_aux : bool, default False
        Whether the function returns a pair, whose second part is handed on.

    Returns
    -------
    output : Tensor or tree
    product : Tensor or tree
        In the form of the output.
    aux : anything
        With `has_aux` alone.

    Raises
    ------
    TypeError
        If primals are no tuple of float Tensors.
    ValueError
        If a tangent has another form or shape than its primal.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.func.jvp(lambda a, b: a * b, (tg.tensor(2.0), tg.tensor(3.0)), (tg.tensor(1.0), tg.tensor(0.0)))
    (tensor(6.), tensor(3.))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise TypeError("jvp: primals and tangents are tuples, one entry for each argument, as in (x,)")
    v = _matching("jvp", "tangents", "the primals", tangents, flattened(primals)[0])
    call = called("jvp", func, tuple(range(len(primals))), has_aux, primals, {})
    create = is_grad_enabled() and (call.outside or any(x.requires_grad for x in v))
    with enable_grad():
        g, pulled = transposed(call.outputs, call.inputs)
        found = pushed(pulled, g, v, create)
    value = call.like_outputs(call.out(call.outputs))
    product = call.like_outputs(_filled(found, call.outputs))
    return (value, product, call.aux) if has_aux else (value, product)


def jacrev(func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    r"""The function that computes the Jacobian :math:`\partial y_k / \partial x_i`, a sweep for each element of `y`.

    Parameters
    ----------
    func : callable
        It returns a Tensor, or a tree of them.
    argnums : int or tuple of int, default 0
        For which positional arguments to differentiate: Tensors or trees of them.
    has_aux : bool, default False
        Whether the function returns a pair, whose second part is handed on.

    Returns
    -------
    callable
        From the function's arguments to the Jacobian: a tree like the output, in whose leaves are trees like the chosen
        argument, in whose leaves are Tensors of the shapes of both, one behind the other.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.func.jacrev(lambda x: x.flip(0) ** 2)(tg.tensor([1.0, 3.0]))
    tensor([[0., 6.],
            [2., 0.]])
    """
    return _jacobian("jacrev", func, argnums, has_aux, rows_of)


def jacfwd(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    r"""As :func:`jacrev`, but column by column, a sweep for each element of `x`: for few inputs and many outputs.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int, default 0
    has_aux : bool, default False

    Returns
    -------
    callable
        From the function's arguments to the Jacobian, in the form that :func:`jacrev` gives.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.func.jacfwd(lambda t: tg.stack([t, t**2]))(tg.tensor(3.0))
    tensor([1., 6.])
    """
    return _jacobian("jacfwd", func, argnums, has_aux, columns_of)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    r"""The function that computes the Hessian :math:`\partial^2 y / \partial x_i \partial x_j`: the Jacobian's Jacobian.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int, default 0

    Returns
    -------
    callable
        From the function's arguments to the Hessian.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.func.hessian(lambda x: x.prod())(tg.tensor([2.0, 3.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return functools.wraps(func)(jacfwd(jacrev(func, argnums), argnums))


def _jacobian(
    name: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool, blocks_of: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = called(name, func, argnums, has_aux, args, kwargs)
        with enable_grad():
            blocks = blocks_of(call.outputs, call.inputs, call.outside)
        rows = []
        for y, row in zip(call.outputs, blocks, strict=True):
            like = [tensor(np.zeros(y.shape + x.shape, x.dtype)) for x in call.inputs]
            rows.append(call.like_inputs([z if block is None else block for block, z in zip(row, like, strict=True)]))
        found = call.like_outputs(rows)
        found = found if call.outside else mapped(lambda x: x.detach(), found)
        return (found, call.aux) if has_aux else found

    return jacobian


def _filled(found: Iterable[Tensor | None], like: list[Tensor]) -> list[Tensor]:
    return [zeros_of(x) if g is None else g for g, x in zip(found, like, strict=True)]


def _matching(name: str, what: str, of: str, given: Any, like: list[Tensor]) -> list[Tensor]:
    leaves = flattened(given)[0]
    if len(leaves) != len(like):
        raise ValueError(f"{name}: expected {len(like)} {what}, in the form of {of}, got {len(leaves)}")
    for g, x in zip(leaves, like, strict=True):
        if not isinstance(g, Tensor) or not isinstance(x, Tensor):
            wrong = g if not isinstance(g, Tensor) else x
            raise TypeError(f"{name}: expected Tensors, got {type(wrong).__name__}")
        if g.shape != x.shape:
            raise ShapeError(f"{name}: expected {what} of shape {x.shape}, as in {of}, got {g.shape}")
    return leaves
