"""Trigonometric and hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.comparison import eq
from tinygrad_edu.ops.exponential import sqrt
from tinygrad_edu.ops.operation import elementwise, is_complex, plain
from tinygrad_edu.ops.selection import where
from tinygrad_edu.tensor import Tensor

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
    "tanh",
]

WITHIN_ONE = (-0.9, 0.9)


@elementwise(np.sin, floating=True, complex=True, x=lambda g, x: g * cos(x))
def sin(x: Any) -> Tensor:
    r"""Sine.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sin(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.8415])
    """


@elementwise(np.cos, floating=True, complex=True, x=lambda g, x: -g * sin(x))
def cos(x: Any) -> Tensor:
    r"""Cosine.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cos(tg.tensor([0.0, 1.0]))
    tensor([1.    , 0.5403])
    """


@elementwise(
    np.tan, floating=True, complex=True, domain={"x": (-1.2, 1.2)}, x=lambda g, result: g * (1.0 + result * result)
)
def tan(x: Any) -> Tensor:
    r"""Tangent; :math:`\tan' = 1 + \tan^2`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tan(tg.tensor([0.0, 1.0]))
    tensor([0.    , 1.5574])
    """


@elementwise(np.arcsin, floating=True, complex=True, domain={"x": WITHIN_ONE}, x=lambda g, x: g / sqrt(1.0 - x * x))
def asin(x: Any) -> Tensor:
    r"""Inverse sine, in :math:`[-\pi/2, \pi/2]`; :math:`\arcsin' x = 1 / \sqrt{1 - x^2}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.asin(tg.tensor([0.0, 1.0]))
    tensor([0.    , 1.5708])
    """


@elementwise(np.arccos, floating=True, complex=True, domain={"x": WITHIN_ONE}, x=lambda g, x: -g / sqrt(1.0 - x * x))
def acos(x: Any) -> Tensor:
    r"""Inverse cosine, in :math:`[0, \pi]`; :math:`\arccos' x = -1 / \sqrt{1 - x^2}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.acos(tg.tensor([0.0, 1.0]))
    tensor([1.5708, 0.    ])
    """


@elementwise(np.arctan, floating=True, complex=True, x=lambda g, x: g / (1.0 + x * x))
def atan(x: Any) -> Tensor:
    r"""Inverse tangent, in :math:`(-\pi/2, \pi/2)`; :math:`\arctan' x = 1 / (1 + x^2)`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.atan(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.7854])
    """


def _over_square(x: Any, a: Any, b: Any) -> Any:
    # x / (a² + b²), and 0 at the origin, where x is 0 as well.
    square = a * a + b * b
    return x / where(eq(square, 0), 1.0, square)


@elementwise(
    np.arctan2,
    floating=True,
    domain={"b": (0.5, 2.0)},
    a=lambda g, a, b: g * _over_square(b, a, b),
    b=lambda g, a, b: -g * _over_square(a, a, b),
)
def atan2(a: Any, b: Any) -> Tensor:
    r"""Angle of the point :math:`(b, a)`, in :math:`[-\pi, \pi]`; the gradient at the origin is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.atan2(tg.tensor([1.0, -1.0]), tg.tensor([0.0, -1.0]))
    tensor([ 1.5708, -2.3562])
    """


@elementwise(np.sinh, floating=True, complex=True, x=lambda g, x: g * cosh(x))
def sinh(x: Any) -> Tensor:
    r"""Hyperbolic sine.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sinh(tg.tensor([0.0, 1.0]))
    tensor([0.    , 1.1752])
    """


@elementwise(np.cosh, floating=True, complex=True, x=lambda g, x: g * sinh(x))
def cosh(x: Any) -> Tensor:
    r"""Hyperbolic cosine.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cosh(tg.tensor([0.0, 1.0]))
    tensor([1.    , 1.5431])
    """


@elementwise(np.tanh, floating=True, complex=True, x=lambda g, result: g - g * result * result)
def tanh(x: Any) -> Tensor:
    r"""Hyperbolic tangent; :math:`\tanh' = 1 - \tanh^2`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tanh(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.7616])
    """


@elementwise(np.arcsinh, floating=True, complex=True, x=lambda g, x: g / sqrt(x * x + 1.0))
def asinh(x: Any) -> Tensor:
    r"""Inverse hyperbolic sine; its derivative is :math:`1 / \sqrt{x^2 + 1}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.asinh(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.8814])
    """


@elementwise(
    np.arccosh,
    floating=True,
    complex=True,
    domain={"x": (1.2, 3.0)},
    x=lambda g, x: g / (sqrt(x - 1.0) * sqrt(x + 1.0) if is_complex(plain(x)) else sqrt(x * x - 1.0)),
)
def acosh(x: Any) -> Tensor:
    r"""Inverse hyperbolic cosine; its derivative is :math:`1 / (\sqrt{x - 1} \sqrt{x + 1})`. Of a real :math:`x \ge 1`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.acosh(tg.tensor([1.0, 2.0]))
    tensor([0.   , 1.317])
    """


@elementwise(np.arctanh, floating=True, complex=True, domain={"x": WITHIN_ONE}, x=lambda g, x: g / (1.0 - x * x))
def atanh(x: Any) -> Tensor:
    r"""Inverse hyperbolic tangent, for :math:`|x| < 1`; its derivative is :math:`1 / (1 - x^2)`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.atanh(tg.tensor([0.0, 0.5]))
    tensor([0.    , 0.5493])
    """
