"""Powers and the exponential of matrices."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.ops.cast import clone
from tinygrad_edu.ops.equations import inv
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.matrices import require_matrix
from tinygrad_edu.ops.operation import composite, example, operation
from tinygrad_edu.ops.selection import where
from tinygrad_edu.tensor import Tensor

__all__ = ["matrix_exp", "matrix_power"]


@composite()
def matrix_power(A: Any, n: int) -> Tensor:
    r"""Power :math:`X^n` for an integer :math:`n`, of the inverse where it is negative.

    Parameters
    ----------
    A : Tensor, shape (..., m, m)
    n : int

    Returns
    -------
    Tensor, shape (..., m, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.matrix_power(tg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    require_matrix("matrix_power", A, floats=n < 0, complex=True)
    if n == 0:
        return where(np.zeros(A.shape, bool), A, np.eye(A.shape[-1], dtype=A.dtype))
    factor: Any = clone(A) if n > 0 else inv(A)
    power = factor
    for digit in f"{abs(n):b}"[1:]:  # n in binary: a further digit doubles it, and adds itself
        power = power @ power
        if digit == "1":
            power = power @ factor
    return power


def _matrix_exp_rule(g: Any, x: Any) -> Any:
    # exp [[Xᵀ, G], [0, Xᵀ]] has the wanted integral ∫ exp(sXᵀ) G exp((1-s)Xᵀ) ds in its upper right corner.
    n = x.shape[-1]
    above = cat([x.mT, g], -1)
    below = cat([x.mT * 0.0, x.mT], -1)
    return matrix_exp(cat([above, below], -2))[..., :n, n:]


@operation(complex=True, x=_matrix_exp_rule)
def matrix_exp(x: Any) -> Tensor:
    r"""Exponential :math:`e^X = \sum_k X^k / k!` of a matrix, or of each of a batch.

    :math:`\bar X = \int_0^1 e^{s X^\top} \bar Y e^{(1 - s) X^\top} \mathrm ds`.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    References
    ----------
    C. Van Loan, "Computing integrals involving the matrix exponential", 1978.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.matrix_exp(tg.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    require_matrix("matrix_exp", x, complex=True)
    from scipy.linalg import expm

    return expm(x)


@example(matrix_power)
def power(n: Size = 3, k: Literal[-2, -1, 0, 1, 2, 3, 5] = 3) -> Case:
    return case(matrix(n, n), k)


@example(matrix_exp)
def small(n: Size = 3, b: Size = 2) -> Case:
    return case(real(b, n, n, low=-1.0, high=1.0))
