"""Compare recorded gradients with central differences, as ``torch.autograd.gradcheck`` and ``gradgradcheck`` do."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tinygrad_edu import graph, ops
from tinygrad_edu.autograd.functional import gradients, rows_of
from tinygrad_edu.autograd.grad import grad
from tinygrad_edu.tensor import Tensor, from_numpy, tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A recorded gradient and a numerical one disagree."""


# Its square is nothing beside 1 in float64.
IMAGINARY = 1e-30j


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    complex_step: bool = False,
) -> bool:
    r"""Whether the recorded Jacobian of a function agrees with central differences.

    Parameters
    ----------
    func : callable
        From the inputs to a Tensor, or to several; those that are no floats are left out. Complex inputs and results
        are checked as pairs of floats, real and imaginary part, along a new last dimension.
    inputs : Tensor, or tuple of Tensors and of anything else
        The Jacobian is checked for the Tensors that require a gradient, which should be float64 or complex128. They are
        copied with their strides, and their ``grad`` is left alone.
    eps : float, default 1e-6
        Step of the differences.
    atol, rtol : float, default 1e-5, 1e-3
        Agreement means :math:`|a - n| \le atol + rtol\,|n|` for every element of the Jacobian.
    raise_exception : bool, default True
        Raise where they disagree, rather than return False.
    nondet_tol : float, default 0
        How far two runs of the same backward may differ.
    check_undefined_grad : bool, default True
        Whether to check that cotangents of 0, also where one of several outputs has none, give gradients of 0.
    check_grad_dtypes : bool, default False
        Whether to check that each backward gives gradients in the dtype of its operands, so that none is converted.
    check_batched_grad, check_batched_forward_grad, check_forward_ad : bool, default False
        Refused: derivatives are found by one backward at a time, also those of ``jvp`` and ``vmap``, so that there is
        nothing else to check.
    check_backward_ad : bool, default True
        Refused if False, for the same reason.
    fast_mode : bool, default False
        Compare not the whole Jacobian but :math:`v^\top J u` for a random :math:`v` and :math:`u`: one sweep and two
        evaluations for each pair of output and input.
    masked : bool, optional
        For PyTorch programs: it says how to treat sparse tensors, of which there are none.
    complex_step : bool, default False
        For real inputs of an analytic function: take the numerical derivative as :math:`\mathrm{Im} f(x + i h u) / h`,
        which subtracts nothing and so is exact up to rounding for any small :math:`h`. `eps` is then without effect,
        and `atol` and `rtol` may be as small as 1e-12. Not among PyTorch's options.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        Naming the input, the element, and both values.
    NotImplementedError
        For options that have no meaning here.
    ValueError
        If no input requires a gradient, one has elements that share memory, or the function returns no Tensors; with
        `complex_step`, if it gives real results for complex inputs, hence is not analytic.

    References
    ----------
    W. Squire, G. Trapp, "Using Complex Variables to Estimate Derivatives of Real Functions", SIAM Review 40 (1998).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    >>> tg.autograd.gradcheck(lambda x: (x * x).sum(), x)
    True
    >>> tg.autograd.gradcheck(lambda x: (x.exp() / x).sum(), x, complex_step=True, atol=0, rtol=1e-14)
    True
    """
    refuse(
        "gradcheck",
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
    )
    if not check_backward_ad:
        raise NotImplementedError("gradcheck: check_backward_ad=False leaves nothing to check")
    func, given = in_pairs(func, tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,))
    checked = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: expected at least one input that requires a gradient; set requires_grad=True")
    for i in checked:
        if given[i].dtype != np.float64:
            warnings.warn(
                f"gradcheck: input {i} is {given[i].dtype}, in which differences are too inexact; use float64",
                stacklevel=2,
            )
        if given[i].numel() and any(
            step == 0 and size > 1 for step, size in zip(given[i].stride(), given[i].shape, strict=True)
        ):
            raise ValueError(
                f"gradcheck: elements of input {i} share memory (shape {given[i].shape}, strides {given[i].stride()}), so "
                "that none can be moved alone. Pass a clone(), or expand within the function."
            )
    step = IMAGINARY if complex_step else eps
    leaves = [copied(x.array, requires_grad=True) if i in checked else x for i, x in enumerate(given)]
    inside = [leaves[i] for i in checked]
    try:
        with dtypes_watched() if check_grad_dtypes else contextlib.nullcontext():
            outputs = floats_of(func(*leaves))
            for k, y in enumerate(outputs):
                if fast_mode:
                    check_products(func, leaves, checked, (k, y), step, atol, rtol, nondet_tol)
                    continue
                blocks = recorded(y, inside)
                same_again(blocks, recorded(y, inside), k, nondet_tol)
                for i, by_graph in zip(checked, blocks, strict=True):
                    by_steps = numerical(func, leaves, i, k, step)
                    compare(by_graph, by_steps, (k, i), (y.shape, leaves[i].shape), atol, rtol)
            if check_undefined_grad:
                check_zeros(outputs, inside, checked)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    r"""Whether the gradients of the gradients of a function agree with central differences.

    It is :func:`gradcheck` of :math:`(x, g) \mapsto J(x)^\top g`, for both arguments.

    Parameters
    ----------
    func : callable
        As for :func:`gradcheck`.
    inputs : Tensor, or tuple of Tensors and of anything else
        As for :func:`gradcheck`.
    grad_outputs : Tensor or tuple of Tensor, optional
        The cotangents :math:`g` of the outputs that have a history; random if omitted.
    eps : float, default 1e-6
        Step of the differences.
    atol, rtol : float, default 1e-5, 1e-3
        What agreement means.
    gen_non_contig_grad_outputs : bool, default False
        Whether the random cotangents lie in memory with gaps.
    raise_exception : bool, default True
        Raise where they disagree, rather than return False.
    nondet_tol : float, default 0
        How far two runs of the same backward may differ.
    check_undefined_grad, check_grad_dtypes, check_batched_grad : bool
        As for :func:`gradcheck`.
    check_fwd_over_rev : bool, default False
        Refused, as ``check_forward_ad`` is.
    check_rev_over_rev : bool, default True
        Refused if False.
    fast_mode, masked : bool
        As for :func:`gradcheck`.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        Naming the input, the element, and both values; the cotangents are numbered behind the inputs.
    NotImplementedError, ValueError
        As :func:`gradcheck` does.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    >>> tg.autograd.gradgradcheck(lambda x: x**3, x)
    True
    """
    refuse("gradgradcheck", check_batched_grad=check_batched_grad, check_fwd_over_rev=check_fwd_over_rev)
    if not check_rev_over_rev:
        raise NotImplementedError("gradgradcheck: check_rev_over_rev=False leaves nothing to check")
    func, given = in_pairs(func, tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,))
    checked = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    outputs = [y for y in floats_of(func(*given)) if y.requires_grad]
    if grad_outputs is None:
        generator = np.random.default_rng(0)
        cotangents = []
        for y in outputs:
            # Every second of twice as many along a last dimension.
            values = generator.uniform(-1, 1, (*y.shape, 2)).astype(y.dtype)[..., 0]
            values = values if gen_non_contig_grad_outputs else np.ascontiguousarray(values).reshape(y.shape)
            cotangents.append(copied(values, requires_grad=True))
    else:
        cotangents = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
        cotangents = [pairs_of(g) if g.is_complex() else g for g in cotangents]
        if len(cotangents) != len(outputs):
            raise ValueError(f"gradgradcheck: got {len(cotangents)} grad_outputs for {len(outputs)} outputs")

    def gradient(*arguments: Any) -> tuple[Tensor, ...]:
        xs, gs = arguments[: len(given)], arguments[len(given) :]
        ys = [y for y in floats_of(func(*xs)) if y.requires_grad]
        if not ys:
            return ()
        found = grad(ys, [xs[i] for i in checked], gs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradient,
        (*given, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        fast_mode=fast_mode,
    )


def refuse(name: str, **options: bool) -> None:
    """Refuse options that ask for derivatives of a kind that does not exist here."""
    for option, wanted in options.items():
        if wanted:
            raise NotImplementedError(
                f"{name}: {option}=True has nothing to check: jvp and vmap find derivatives by the same backward, one at a "
                "time, and so have no rules of their own"
            )


@contextlib.contextmanager
def dtypes_watched() -> Iterator[None]:
    """Within it, in this thread, refuse a backward that leaves the dtype which its cotangent and its operand share."""
    before, here = graph.observe, threading.get_ident()

    def observe(node: Any, cotangent: Any, outcome: Any) -> None:
        if before is not None:
            before(node, cotangent, outcome)
        if threading.get_ident() != here or isinstance(outcome, Exception):
            return
        for place, (parent, found) in enumerate(zip(node.parents, outcome, strict=False)):
            # Where the operands' types are mixed, a conversion is part of the operation. A node of several results has none.
            same = node.dtype is None or node.dtype == parent.dtype
            if found is not None and parent.dtype is not None and same and found.dtype != parent.dtype:
                raise GradcheckError(
                    f"gradcheck: backward of {node.name()!r} gave {found.dtype} for operand {place} of shape "
                    f"{parent.shape} {parent.dtype} (check_grad_dtypes=True)"
                )

    graph.observe = observe
    try:
        yield
    finally:
        graph.observe = before


def copied(array: NDArray, requires_grad: bool) -> Tensor:
    """A Tensor of the same values and strides in memory of its own."""
    steps = [(size - 1) * step // array.itemsize for size, step in zip(array.shape, array.strides, strict=True)]
    if array.size:
        low, high = sum(min(s, 0) for s in steps), sum(max(s, 0) for s in steps)
        twin = as_strided(np.zeros(high - low + 1, array.dtype)[-low:], array.shape, array.strides)
    else:
        twin = np.zeros(array.shape, array.dtype)
    twin[...] = array
    return from_numpy(twin).requires_grad_(requires_grad)


def in_pairs(func: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function of pairs of floats in the place of the complex Tensors that require a gradient, and these pairs."""
    complex_ones = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.is_complex() and x.requires_grad]
    if not complex_ones:
        return func, given

    def of_pairs(*xs: Any) -> Any:
        return func(*[ops.view_as_complex(x) if i in complex_ones else x for i, x in enumerate(xs)])

    return of_pairs, tuple(pairs_of(x) if i in complex_ones else x for i, x in enumerate(given))


def pairs_of(z: Tensor) -> Tensor:
    """Real and imaginary parts, as a leaf."""
    return tensor(ops.view_as_real(z.detach()), requires_grad=z.requires_grad)


def floats_of(result: Any) -> list[Tensor]:
    """The float Tensors among a function's results, complex ones as pairs of floats."""
    results = result if isinstance(result, tuple | list) else [result]
    for y in results:
        if not isinstance(y, Tensor):
            raise ValueError(f"gradcheck: expected a function that returns Tensors, got {type(y).__name__}")
    return [ops.view_as_real(y) if y.is_complex() else y for y in results if y.dtype.kind in "fc"]


def recorded(y: Tensor, leaves: list[Tensor]) -> list[NDArray]:
    """For each leaf the Jacobian of `y`, (elements of y, elements of the leaf), a sweep for each row."""
    shapes = [(y.numel(), leaf.numel()) for leaf in leaves]
    blocks = rows_of([y], leaves, create_graph=False)[0]
    return [np.zeros(s) if b is None else b.array.reshape(s) for b, s in zip(blocks, shapes, strict=True)]


def numerical(func: Callable[..., Any], leaves: list[Any], i: int, k: int, eps: complex) -> NDArray:
    """The Jacobian of result `k` with respect to input `i`, a central difference for each column."""
    x = leaves[i]
    columns = []
    for j in range(x.numel()):
        unit = np.zeros(x.shape)
        unit.flat[j] = 1
        columns.append(difference(func, leaves, i, k, unit, eps).reshape(-1))
    return np.stack(columns, 1) if columns else np.zeros((0, 0))


def difference(func: Callable[..., Any], leaves: list[Any], i: int, k: int, u: NDArray, eps: complex) -> NDArray:
    """The derivative of result `k` as input `i` moves in a direction: a central difference, or by an imaginary step."""
    if eps == IMAGINARY:
        # All floats become complex, since operands of a product have one dtype.
        given = [from_numpy(x.array + 0j) if isinstance(x, Tensor) and x.is_floating_point() else x for x in leaves]
        given[i].array[...] += IMAGINARY * u
        returned = func(*given)
        listed = returned if isinstance(returned, tuple | list) else [returned]
        y = [y for y in listed if y.dtype.kind in "fc"][k].detach().array
        if y.dtype.kind != "c" and y.size:
            raise ValueError(f"gradcheck: complex_step, but result {k} of a complex input {i} is real: not analytic")
        return y.imag / IMAGINARY.imag
    ends = []
    for step in (eps, -eps):
        moved = copied(leaves[i].array, requires_grad=False)
        moved.array[...] += step * u
        ends.append(floats_of(func(*leaves[:i], moved.requires_grad_(), *leaves[i + 1 :]))[k].array)
    return (ends[0] - ends[1]) / (2 * eps)


def check_products(
    func: Callable[..., Any],
    leaves: list[Any],
    checked: list[int],
    output: tuple[int, Tensor],
    eps: complex,
    atol: float,
    rtol: float,
    nondet_tol: float,
) -> None:
    r"""Refuse a result whose recorded :math:`v^\top J u` a numerical one contradicts, for random directions."""
    k, y = output
    generator = np.random.default_rng(k)
    v = direction(generator, y.shape)
    inside = [leaves[i] for i in checked]
    runs = []
    for _ in range(2):
        pulled = gradients([y], inside, [tensor(v.astype(y.dtype))], create_graph=False, retain_graph=True)
        runs.append([np.zeros(x.shape) if g is None else g.array for g, x in zip(pulled, inside, strict=True)])
    same_again(runs[0], runs[1], k, nondet_tol)
    for i, pulled_back in zip(checked, runs[0], strict=True):
        u = direction(generator, leaves[i].shape)
        a = (pulled_back * u).sum()
        n = (v * difference(func, leaves, i, k, u, eps)).sum()
        # An error of atol in every element adds up to this.
        allowed = atol * u.sum() * v.sum() + rtol * abs(n)
        if not (a == n or abs(a - n) <= allowed):
            raise GradcheckError(
                f"gradcheck: output {k} with respect to input {i}, in a random direction: recorded {a:.10g}, numerical "
                f"{n:.10g} (atol={atol}, rtol={rtol}); fast_mode=False names the element"
            )


def direction(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray:
    """A random vector of length 1 with positive elements, among which an error cannot cancel systematically."""
    vector = generator.uniform(0.1, 1, shape)
    return vector / np.linalg.norm(vector) if vector.size else vector


def same_again(first: list[NDArray], second: list[NDArray], k: int, nondet_tol: float) -> None:
    """Refuse a backward that gives something else the second time."""
    with np.errstate(invalid="ignore"):  # infinite elements
        distances = [np.where(a == b, 0.0, np.abs(a - b)).max(initial=0) for a, b in zip(first, second, strict=True)]
    apart = max(distances, default=0.0)
    if apart > nondet_tol:
        raise GradcheckError(
            f"gradcheck: the backward of output {k} is not deterministic: two runs of it differ by {apart:.3g} "
            f"(nondet_tol={nondet_tol})"
        )


def check_zeros(outputs: list[Tensor], leaves: list[Tensor], checked: list[int]) -> None:
    """Refuse a backward that makes something of nothing, with zeros for all outputs, or for all but one."""
    having = [k for k, y in enumerate(outputs) if y.requires_grad]
    for left_out in (None, *(having if len(having) > 1 else ())):
        ys = [outputs[k] for k in having if k != left_out]
        zeros = [tensor(np.zeros(y.shape, y.dtype)) for y in ys]
        for i, g in zip(checked, gradients(ys, leaves, zeros, create_graph=False, retain_graph=True), strict=True):
            if g is not None and (g.array != 0).any():
                without = "" if left_out is None else f", and none for output {left_out}"
                raise GradcheckError(
                    f"gradcheck: with cotangents of 0{without}, the gradient with respect to input {i} is not 0 "
                    "(check_undefined_grad=True)"
                )


def compare(
    a: NDArray,
    n: NDArray,
    numbers: tuple[int, int],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    atol: float,
    rtol: float,
) -> None:
    """Refuse a recorded Jacobian that a numerical one contradicts, at its worst element."""
    if not a.size:
        return
    with np.errstate(invalid="ignore"):  # infinite elements
        apart = np.where(a == n, 0.0, np.abs(a - n) - atol - rtol * np.abs(n))
    if (apart <= 0).all():
        return
    row, column = np.unravel_index(np.argmax(apart), a.shape)  # a NaN counts as the largest
    y, x = (np.unravel_index(flat, shape) for flat, shape in zip((row, column), shapes, strict=True))
    raise GradcheckError(
        f"gradcheck: output {numbers[0]}{place(y)} with respect to input {numbers[1]}{place(x)}: recorded "
        f"{a[row, column]:.10g}, numerical {n[row, column]:.10g} (atol={atol}, rtol={rtol})"
    )


def place(index: tuple[Any, ...]) -> str:
    """An index in brackets; nothing for a single number."""
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else ""
