r"""Derivatives of functions: products with Jacobians and Hessians, and these matrices themselves.

Everything here is made of one thing, the backward sweep, which gives :math:`g^\top J`. A row of the Jacobian :math:`J`
is that product with a unit vector. The product :math:`J v` from the other side is found by the double-backward trick,
see :func:`jvp`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.autograd.grad import grad
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.grad_mode import enable_grad
from tinygrad_edu.tensor import Tensor, tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]


# What these functions, and those of tinygrad_edu.func, are made of


def entered(x: Tensor, keep_history: bool) -> Tensor:
    """A new Tensor of the same values to differentiate for; so `x` itself, used by the function, is a constant."""
    if keep_history and x.requires_grad:
        return ops.view(x, x.shape)
    return x.detach().requires_grad_()


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
    create_graph: bool,
    retain_graph: bool | None = None,
) -> tuple[Tensor | None, ...]:
    """As :func:`grad`, but None for inputs that are not reached, also where no output has a history."""
    recorded = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not recorded:
        return (None,) * len(inputs)
    ys, gs = zip(*recorded, strict=True)
    return grad(ys, inputs, gs, retain_graph=retain_graph, create_graph=create_graph, allow_unused=True)


def transposed(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> tuple[list[Tensor], tuple[Tensor | None, ...]]:
    r"""Cotangents :math:`g = 0` of the outputs, and :math:`J^\top g` recorded as a function of them."""
    g = [tensor(np.zeros(y.shape, y.dtype), requires_grad=y.dtype.kind in "fc") for y in outputs]
    return g, gradients(outputs, inputs, g, create_graph=True)


def pushed(
    pulled: Sequence[Tensor | None],
    cotangents: Sequence[Tensor],
    tangents: Sequence[Tensor | None],
    create_graph: bool,
    retain_graph: bool | None = None,
) -> tuple[Tensor | None, ...]:
    r""":math:`J v` from what :func:`transposed` gave: the gradient of :math:`v^\top (J^\top g)` for :math:`g`."""
    reached = [(p, v) for p, v in zip(pulled, tangents, strict=True) if p is not None and v is not None]
    found = dict.fromkeys(range(len(cotangents)))
    wanted = [k for k, g in enumerate(cotangents) if g.requires_grad]
    if reached and wanted:
        ps, vs = zip(*reached, strict=True)
        values = gradients(ps, [cotangents[k] for k in wanted], vs, create_graph, retain_graph)
        found.update(zip(wanted, values, strict=True))
    return tuple(found.values())


def units(x: Tensor) -> Iterator[Tensor]:
    """The unit vectors of the space that `x` lies in: for each element a tensor with 1 there and 0 elsewhere."""
    for i in range(x.numel()):
        unit = np.zeros(x.shape, x.dtype)
        unit.reshape(-1)[i] = 1
        yield tensor(unit)


def zeros_of(x: Tensor) -> Tensor:
    """Zeros of a Tensor's shape and dtype."""
    return tensor(np.zeros(x.shape, x.dtype))


def stacked(parts: list[Tensor], shape: tuple[int, ...], dtype: np.dtype) -> Tensor:
    """Tensors one behind the other, in another shape; zeros of that shape if there are none."""
    return ops.reshape(ops.stack(parts), shape) if parts else tensor(np.zeros(shape, dtype))


# Arguments


def _tuple(name: str, what: str, given: Any) -> tuple[bool, tuple[Tensor, ...]]:
    several = isinstance(given, tuple)
    tensors = given if several else (given,)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            at = f" at index {i}" if several else ""
            raise TypeError(f"{name}: {what} must be a Tensor or a tuple of Tensors, got {type(x).__name__}{at}")
    return several, tensors


def _called(
    name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool
) -> tuple[bool, tuple[Tensor, ...], bool, tuple[Tensor, ...]]:
    several_in, given = _tuple(name, "inputs", inputs)
    xs = tuple(entered(x, create_graph) for x in given)
    several_out, ys = _tuple(name, "the outputs of the function", func(*xs))
    for k, y in enumerate(ys):
        if strict and not y.requires_grad:
            raise RuntimeError(f"{name}: output {k} of the function has no history, which strict=True refuses")
    return several_in, xs, several_out, ys


def _vector(
    name: str, v: Any, like: tuple[Tensor, ...], several: bool, create_graph: bool, what: str
) -> tuple[Tensor | None, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            shapes = ", ".join(str(x.shape) for x in like)
            raise RuntimeError(f"{name}: v may be omitted only for a single element, {what} has the shapes {shapes}")
        return (None,)
    vs = _tuple(name, "v", v)[1]
    if len(vs) != len(like):
        raise ShapeError(f"{name}: expected {len(like)} tensors in v, one for each of {what}, got {len(vs)}")
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if a.shape != b.shape:
            at = f" {i}" if several else ""
            raise ShapeError(f"{name}: expected v{at} of shape {b.shape}, as in {what}, got {a.shape}")
    return tuple(a if create_graph else a.detach() for a in vs)


def _filled(
    name: str, found: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, create_graph: bool, what: str
) -> tuple[Tensor, ...]:
    for i, g in enumerate(found):
        if strict and (g is None or (create_graph and not g.requires_grad)):
            raise RuntimeError(f"{name}: {what} does not depend on entry {i}, which strict=True refuses")
    return tuple(zeros_of(x) if g is None else g for g, x in zip(found, like, strict=True))


def _scalar(name: str, several: bool, ys: tuple[Tensor, ...]) -> None:
    if several or ys[0].numel() != 1:
        got = f"{len(ys)} tensors" if several else f"shape {ys[0].shape}"
        raise RuntimeError(f"{name}: the function must return a single Tensor with a single element, got {got}")


def _handed_out(several: bool, tensors: Sequence[Tensor], create_graph: bool) -> Any:
    out = tuple(tensors) if create_graph else tuple(x.detach() for x in tensors)
    return out if several else out[0]


# Public


def vjp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""The product :math:`v^\top J` of a vector with the Jacobian of a function: one backward sweep.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor or a tuple of them.
    inputs : Tensor or tuple of Tensor
        Where to differentiate.
    v : Tensor or tuple of Tensor, optional
        Of the outputs' shapes; 1 if omitted, which only a single element allows.
    create_graph : bool, default False
        Whether both results are recorded as functions of `inputs` and `v`.
    strict : bool, default False
        Refuse, rather than return zeros, where an output does not depend on an input.

    Returns
    -------
    outputs : Tensor or tuple of Tensor
        ``func(*inputs)``.
    product : Tensor or tuple of Tensor
        Of the inputs' shapes, and a tuple if `inputs` is one.

    Raises
    ------
    RuntimeError
        If `v` has another shape than the outputs, or `strict` finds something independent.
    TypeError
        If inputs, outputs or `v` are not Tensors.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.vjp(lambda x: x**2, x, tg.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        several_in, xs, several_out, ys = _called("vjp", func, inputs, create_graph, strict)
        g = _vector("vjp", v, ys, several_out, create_graph, "the outputs")
        found = gradients(ys, xs, g, create_graph)
        product = _filled("vjp", found, xs, strict, create_graph, "the output, or with create_graph its gradient,")
    return _handed_out(several_out, ys, create_graph), _handed_out(several_in, product, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""The product :math:`J v` of the Jacobian of a function with a vector: the derivative in the direction :math:`v`.

    It is found by the double-backward trick. The sweep computes :math:`u(g) = J^\top g`, which is linear in the cotangent
    :math:`g`. Recorded, it is itself a function that can be swept:

    .. math:: \frac{\partial}{\partial g} \left( v^\top u(g) \right) = (v^\top J^\top)^\top = J v.

    So one set of rules serves both directions. A forward mode of its own would need a second rule for every operation,
    to be kept in step with the first; the price is a second sweep, a constant factor. The result does not depend on
    :math:`g`, which is taken as 0.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor or a tuple of them.
    inputs : Tensor or tuple of Tensor
        Where to differentiate.
    v : Tensor or tuple of Tensor, optional
        Of the inputs' shapes; 1 if omitted, which only a single element allows.
    create_graph : bool, default False
        Whether both results are recorded as functions of `inputs` and `v`.
    strict : bool, default False
        Refuse, rather than return zeros, where an output does not depend on an input.

    Returns
    -------
    outputs : Tensor or tuple of Tensor
        ``func(*inputs)``.
    product : Tensor or tuple of Tensor
        Of the outputs' shapes, and a tuple if the outputs are one.

    Raises
    ------
    RuntimeError
        If `v` has another shape than the inputs, or `strict` finds something independent.
    TypeError
        If inputs, outputs or `v` are not Tensors.

    References
    ----------
    J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.jvp(lambda x: (x**2).sum(), x, tg.tensor([1.0, 10.0]))
    (tensor(5.), tensor(42.))
    """
    with enable_grad():
        several_in, given = _tuple("jvp", "inputs", inputs)
        vs = _vector("jvp", v, given, several_in, create_graph, "the inputs")
        _, xs, several_out, ys = _called("jvp", func, inputs, create_graph, strict)
        g, pulled = transposed(ys, xs)
        _filled("jvp", pulled, xs, strict, False, "the output")
        vs = tuple(tensor(np.ones(x.shape, x.dtype)) if w is None else w for w, x in zip(vs, xs, strict=True))
        found = pushed(pulled, g, vs, create_graph)
        product = _filled("jvp", found, ys, strict, create_graph, "the product, or with create_graph its gradient,")
    return _handed_out(several_out, ys, create_graph), _handed_out(several_out, product, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    r"""The Jacobian :math:`J_{ki} = \partial y_k / \partial x_i` of a function.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor or a tuple of them.
    inputs : Tensor or tuple of Tensor
        Where to differentiate.
    create_graph : bool, default False
        Whether the Jacobian is recorded as a function of `inputs`.
    strict : bool, default False
        Refuse, rather than return zeros, where an output does not depend on an input.
    vectorize : bool, default False
        Without effect: the sweeps run one after the other.
    strategy : {"reverse-mode", "forward-mode"}
        Row by row, a sweep for each element of the outputs; or column by column, for each element of the inputs.

    Returns
    -------
    Tensor, or tuple of Tensor, or tuple of tuples
        Each of the shape of an output followed by that of an input: ``jacobian[k][i]``, without the index of what is
        not a tuple.

    Raises
    ------
    RuntimeError
        If `strict` finds something independent.
    TypeError
        If inputs or outputs are not Tensors.
    ValueError
        If `strategy` is none of the two.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.autograd.functional.jacobian(lambda x: x.flip(0) ** 2, tg.tensor([1.0, 3.0]))
    tensor([[0., 6.],
            [2., 0.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise ValueError(f"jacobian: strategy is 'reverse-mode' or 'forward-mode', got {strategy!r}")
    with enable_grad():
        several_in, xs, several_out, ys = _called("jacobian", func, inputs, create_graph, strict)
        found = rows_of(ys, xs, create_graph) if strategy == "reverse-mode" else columns_of(ys, xs, create_graph)
        what = "the output, or with create_graph its gradient,"
        blocks = []
        for y, row in zip(ys, found, strict=True):
            like = [tensor(np.zeros(y.shape + x.shape, x.dtype)) for x in xs]
            blocks.append(_filled("jacobian", row, like, strict, create_graph, what))
    out = tuple(_handed_out(several_in, row, create_graph) for row in blocks)
    return out if several_out else out[0]


def rows_of(ys: Sequence[Tensor], xs: Sequence[Tensor], create_graph: bool) -> list[list[Tensor | None]]:
    """For each output and input the Jacobian, a sweep for each row; None where there is no dependence."""
    _require_real(ys)
    blocks: list[list[Tensor | None]] = []
    for y in ys:
        rows = [gradients([y], xs, [unit], create_graph, retain_graph=True) for unit in units(y)]
        blocks.append([_joined([row[i] for row in rows], x, y.shape + x.shape) for i, x in enumerate(xs)])
    return blocks


def columns_of(ys: Sequence[Tensor], xs: Sequence[Tensor], create_graph: bool) -> list[list[Tensor | None]]:
    """The same, a sweep of the recorded sweep for each column."""
    _require_real(xs)
    g, pulled = transposed(ys, xs)
    blocks: list[list[Tensor | None]] = [[] for _ in ys]
    for p, x in zip(pulled, xs, strict=True):
        columns = [pushed([p], g, [unit], create_graph, retain_graph=True) for unit in units(x)]
        for k, y in enumerate(ys):
            block = _joined([column[k] for column in columns], y, x.shape + y.shape)
            if block is not None:
                block = ops.permute(block, (*range(x.ndim, x.ndim + y.ndim), *range(x.ndim)))
            blocks[k].append(block)
    return blocks


def _require_real(tensors: Sequence[Tensor]) -> None:
    # A function that is not holomorphic has a different derivative along i, which a complex matrix cannot hold.
    if any(x.is_complex() for x in tensors):
        raise DtypeError("jacobian: not defined for complex numbers; take view_as_real of them, or use vjp and jvp")


def _joined(parts: list[Tensor | None], like: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    if parts and all(part is None for part in parts):
        return None
    return stacked([zeros_of(like) if part is None else part for part in parts], shape, like.dtype)


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    r"""The Hessian :math:`H_{ij} = \partial^2 y / \partial x_i \partial x_j`: the Jacobian of the gradient.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor with one element.
    inputs : Tensor or tuple of Tensor
        Where to differentiate.
    create_graph : bool, default False
        Whether the Hessian is recorded as a function of `inputs`.
    strict : bool, default False
        Refuse, rather than return zeros, where the function or its gradient does not depend on an input.
    vectorize : bool, default False
        Without effect: the sweeps run one after the other.
    outer_jacobian_strategy : {"reverse-mode", "forward-mode"}
        Rows or columns, see :func:`jacobian`.

    Returns
    -------
    Tensor, or tuple of tuples of Tensor
        Each of the shape of one input followed by that of another.

    Raises
    ------
    RuntimeError
        If the function returns anything but one element, or `strict` finds something independent.
    TypeError
        If inputs or outputs are not Tensors.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.autograd.functional.hessian(lambda x: x.prod(), tg.tensor([2.0, 3.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    several_in = _tuple("hessian", "inputs", inputs)[0]

    def single(*xs: Tensor) -> Tensor:
        y = func(*xs)
        several_out, ys = _tuple("hessian", "the outputs of the function", y)
        _scalar("hessian", several_out, ys)
        return ops.reshape(y, ())

    def gradient(*xs: Tensor) -> Any:
        return jacobian(single, xs if several_in else xs[0], create_graph=True, strict=strict)

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vhp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""The product :math:`v^\top H` of a vector with the Hessian of a function: a sweep of the recorded gradient.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor with one element.
    inputs : Tensor or tuple of Tensor
        Where to differentiate.
    v : Tensor or tuple of Tensor, optional
        Of the inputs' shapes; 1 if omitted, which only a single element allows.
    create_graph : bool, default False
        Whether both results are recorded as functions of `inputs` and `v`.
    strict : bool, default False
        Refuse, rather than return zeros, where the function or its gradient does not depend on an input.

    Returns
    -------
    output : Tensor
        ``func(*inputs)``.
    product : Tensor or tuple of Tensor
        Of the inputs' shapes, and a tuple if `inputs` is one.

    Raises
    ------
    RuntimeError
        If the function returns anything but one element, `v` has another shape than the inputs, or `strict` finds
        something independent.
    TypeError
        If inputs, outputs or `v` are not Tensors.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.vhp(lambda x: (x**3).sum(), x, tg.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        several_in, y, xs, vs, slope = _slope("vhp", func, inputs, v, create_graph, strict)
        found = gradients(slope, xs, vs, create_graph)
        product = _filled("vhp", found, xs, strict, create_graph, "the gradient, or with create_graph the product,")
    return _handed_out(False, [y], create_graph), _handed_out(several_in, product, create_graph)


def hvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""The product :math:`H v` of the Hessian of a function with a vector: the double-backward trick on the gradient.

    Where the second derivatives are continuous :math:`H` is symmetric, and :func:`vhp` gives the same with one sweep less.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor with one element.
    inputs : Tensor or tuple of Tensor
        Where to differentiate.
    v : Tensor or tuple of Tensor, optional
        Of the inputs' shapes; 1 if omitted, which only a single element allows.
    create_graph : bool, default False
        Whether both results are recorded as functions of `inputs` and `v`.
    strict : bool, default False
        Refuse, rather than return zeros, where the function or its gradient does not depend on an input.

    Returns
    -------
    output : Tensor
        ``func(*inputs)``.
    product : Tensor or tuple of Tensor
        Of the inputs' shapes, and a tuple if `inputs` is one.

    Raises
    ------
    RuntimeError
        If the function returns anything but one element, `v` has another shape than the inputs, or `strict` finds
        something independent.
    TypeError
        If inputs, outputs or `v` are not Tensors.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.hvp(lambda x: (x**3).sum(), x, tg.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        several_in, y, xs, vs, slope = _slope("hvp", func, inputs, v, create_graph, strict)
        g, pulled = transposed(slope, xs)
        _filled("hvp", pulled, xs, strict, False, "the gradient")
        found = pushed(pulled, g, vs, create_graph)
        product = _filled("hvp", found, xs, strict, create_graph, "the gradient, or with create_graph the product,")
    return _handed_out(False, [y], create_graph), _handed_out(several_in, product, create_graph)


def _slope(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[bool, Tensor, tuple[Tensor, ...], tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The recorded gradient of a function of one element, and the vector to multiply its Jacobian with."""
    several_in, given = _tuple(name, "inputs", inputs)
    vs = _vector(name, v, given, several_in, create_graph, "the inputs")
    _, xs, several_out, ys = _called(name, func, inputs, create_graph, strict)
    _scalar(name, several_out, ys)
    one = tensor(np.ones(ys[0].shape, ys[0].dtype))
    found = gradients(ys, xs, [one], create_graph=True)
    slope = _filled(name, found, xs, strict, True, "the output, or its gradient,")
    vectors = tuple(tensor(np.ones(x.shape, x.dtype)) if w is None else w for w, x in zip(vs, xs, strict=True))
    return several_in, ys[0], xs, vectors, slope
