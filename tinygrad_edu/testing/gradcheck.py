"""``gradcheck``: compare a recorded gradient with central differences, as ``torch.autograd.gradcheck`` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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
        From Tensors to a Tensor.
    inputs : Tensor or tuple of Tensor
        Those that require a gradient are checked; they should be float64.
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
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: expected at least one input that requires a gradient")
    leaves = tuple(tensor(x.array, requires_grad=True) if i in checked else x for i, x in enumerate(inputs))
    y = func(*leaves)
    recorded = {i: np.zeros((y.numel(), leaves[i].numel())) for i in checked}
    for k in range(y.numel()):
        seed = np.zeros(y.shape, y.dtype)
        seed.reshape(-1)[k] = 1
        for i in checked:
            leaves[i].grad = None
        if y.requires_grad:
            y.backward(tensor(seed), retain_graph=True)
        for i in checked:
            grad = leaves[i].grad
            recorded[i][k] = 0 if grad is None else grad.array.reshape(-1)
    for i in checked:
        for j in range(leaves[i].numel()):
            numerical = _column(func, leaves, i, j, eps)
            wrong = np.abs(recorded[i][:, j] - numerical) > atol + rtol * np.abs(numerical)
            if wrong.any():
                if not raise_exception:
                    return False
                k = int(np.argmax(wrong))
                raise GradcheckError(
                    f"gradcheck: output {np.unravel_index(k, y.shape)} with respect to input {i} at "
                    f"{np.unravel_index(j, leaves[i].shape)}: recorded {recorded[i][k, j]:.10g}, numerical "
                    f"{numerical[k]:.10g} (atol={atol}, rtol={rtol})"
                )
    return True


def _column(func: Callable[..., Any], leaves: tuple[Any, ...], i: int, j: int, eps: float) -> np.ndarray:
    ends = []
    for step in (eps, -eps):
        moved = leaves[i].array.copy()
        moved.reshape(-1)[j] += step
        ends.append(func(*leaves[:i], tensor(moved), *leaves[i + 1 :]).array.reshape(-1))
    return (ends[0] - ends[1]) / (2 * eps)
