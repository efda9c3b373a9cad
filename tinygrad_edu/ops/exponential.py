"""Exponentials, logarithms and roots, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.ops.operation import elementwise
from tinygrad_edu.tensor import Tensor

__all__ = ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "rsqrt", "sigmoid", "sqrt"]

# As Python floats: NumPy's scalars would widen float32.
LN2, LN10 = math.log(2.0), math.log(10.0)
POSITIVE = (0.2, 3.0)


@elementwise(np.exp, floating=True, complex=True, x=lambda g, result: g * result)
def exp(x: Any) -> Tensor:
    r"""Exponential :math:`e^x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.exp(tg.tensor([0.0, 1.0]))
    tensor([1.    , 2.7183])
    """


@elementwise(np.exp2, floating=True, complex=True, x=lambda g, result: g * (LN2 * result))
def exp2(x: Any) -> Tensor:
    r"""Power of two :math:`2^x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.exp2(tg.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """


# Not g (y + 1), as PyTorch's: where y is nearly −1, no digit is left of y + 1.
@elementwise(np.expm1, floating=True, complex=True, x=lambda g, x: g * exp(x))
def expm1(x: Any) -> Tensor:
    r""":math:`e^x - 1`, accurate also near 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.expm1(tg.tensor([0.0, 1.0]))
    tensor([0.    , 1.7183])
    """


@elementwise(np.log, floating=True, complex=True, domain={"x": POSITIVE}, x=lambda g, x: g / x)
def log(x: Any) -> Tensor:
    r"""Natural logarithm :math:`\ln x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.log(tg.tensor([1.0, 10.0]))
    tensor([0.    , 2.3026])
    """


@elementwise(np.log2, floating=True, complex=True, domain={"x": POSITIVE}, x=lambda g, x: g / (x * LN2))
def log2(x: Any) -> Tensor:
    r"""Logarithm to base 2.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.log2(tg.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """


@elementwise(np.log10, floating=True, complex=True, domain={"x": POSITIVE}, x=lambda g, x: g / (x * LN10))
def log10(x: Any) -> Tensor:
    r"""Logarithm to base 10.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.log10(tg.tensor([1.0, 100.0]))
    tensor([0., 2.])
    """


@elementwise(np.log1p, floating=True, complex=True, domain={"x": (-0.8, 2.0)}, x=lambda g, x: g / (x + 1.0))
def log1p(x: Any) -> Tensor:
    r""":math:`\ln(1 + x)`, accurate also near 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.log1p(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.6931])
    """


@elementwise(np.sqrt, floating=True, complex=True, domain={"x": POSITIVE}, x=lambda g, result: g / (2.0 * result))
def sqrt(x: Any) -> Tensor:
    r"""Square root :math:`\sqrt{x}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sqrt(tg.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """


@elementwise(
    lambda x: 1.0 / np.sqrt(x),
    floating=True,
    complex=True,
    domain={"x": POSITIVE},
    x=lambda g, result: -0.5 * g * (result * result * result),
)
def rsqrt(x: Any) -> Tensor:
    r"""Reciprocal square root :math:`1 / \sqrt{x}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.rsqrt(tg.tensor([4.0, 16.0]))
    tensor([0.5 , 0.25])
    """


def _sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # where e^-x is infinite, 1 / (1 + e^-x) is the 0 it should be
        e = np.exp(-x)
    e += 1.0
    return 1.0 / e


@elementwise(_sigmoid, floating=True, complex=True, x=lambda g, result: g * ((1.0 - result) * result))
def sigmoid(x: Any) -> Tensor:
    r"""Logistic function :math:`\sigma(x) = 1 / (1 + e^{-x})`; :math:`\sigma' = \sigma (1 - \sigma)`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sigmoid(tg.tensor([-1e4, 0.0, 1e4]))
    tensor([0. , 0.5, 1. ])
    """
