"""``gradcheck``: compare a recorded gradient with central differences, as ``torch.autograd.gradcheck`` does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.graph import sweep
from tinygrad_edu.tensor import Tensor, tensor

__all__ = ["GradcheckError", "gradcheck"]


class GradcheckError(RuntimeError):
    """A recorded gradient and a numerical one disagree."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    r"""Whether the whole recorded Jacobian of a function agrees with central differences.

    Parameters
    ----------
    func : callable
        From the inputs to a Tensor, or to several; those that are no floats are left out.
    inputs : Tensor, or tuple of Tensors and of anything else
        The Jacobian is checked for the Tensors that require a gradient, which should be float64. They are copied, and
        their ``grad`` is left alone.
    eps : float, default 1e-6
        Step of the differences.
    atol, rtol : float, default 1e-5, 1e-3
        Agreement means :math:`|a - n| \le atol + rtol\,|n|` for every element of the Jacobian.
    raise_exception : bool, default True
        Raise where they disagree, rather than return False.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        Naming the input, the element, and both values.
    ValueError
        If no input requires a gradient.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    >>> tg.testing.gradcheck(lambda x: (x * x).sum(), x)
    True
    """
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    checked = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: expected at least one input that requires a gradient; set requires_grad=True")
    for i in checked:
        if given[i].dtype != np.float64:
            warnings.warn(
                f"gradcheck: input {i} is {given[i].dtype}, in which differences are too inexact; use float64",
                stacklevel=2,
            )
    leaves = [tensor(x.array, requires_grad=True) if i in checked else x for i, x in enumerate(given)]
    try:
        for k, y in enumerate(floats_of(func(*leaves))):
            rows = recorded(y, [leaves[i] for i in checked])
            for i, by_graph in zip(checked, rows, strict=True):
                compare(by_graph, numerical(func, leaves, i, k, eps), (k, i), (y.shape, leaves[i].shape), atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def floats_of(result: Any) -> list[Tensor]:
    """The float Tensors among a function's results."""
    results = result if isinstance(result, tuple | list) else [result]
    for y in results:
        if not isinstance(y, Tensor):
            raise ValueError(f"gradcheck: expected a function that returns Tensors, got {type(y).__name__}")
    return [y for y in results if y.is_floating_point()]


def recorded(y: Tensor, leaves: list[Tensor]) -> list[NDArray]:
    """For each leaf the Jacobian of `y`, (elements of y, elements of the leaf), a sweep for each row."""
    jacobians = [np.zeros((y.numel(), leaf.numel())) for leaf in leaves]
    for row in range(y.numel() if y.requires_grad else 0):
        one_hot = np.zeros(y.shape, y.dtype)
        one_hot.reshape(-1)[row] = 1
        # The sweep itself, as backward() would add to gradients that are not ours, such as a layer's within `func`.
        totals = sweep([(y.node or y, one_hot)], retain_graph=True)
        for jacobian, leaf in zip(jacobians, leaves, strict=True):
            if leaf in totals:
                jacobian[row] = totals[leaf].reshape(-1)
    return jacobians


def numerical(func: Callable[..., Any], leaves: list[Any], i: int, k: int, eps: float) -> NDArray:
    """The Jacobian of result `k` with respect to input `i`, a central difference for each column."""
    columns = []
    for j in range(leaves[i].numel()):
        ends = []
        for step in (eps, -eps):
            moved = leaves[i].array.copy()
            moved.reshape(-1)[j] += step
            given = [*leaves[:i], tensor(moved, requires_grad=True), *leaves[i + 1 :]]
            ends.append(floats_of(func(*given))[k].array.reshape(-1))
        columns.append((ends[0] - ends[1]) / (2 * eps))
    return np.stack(columns, 1) if columns else np.zeros((0, 0))


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
