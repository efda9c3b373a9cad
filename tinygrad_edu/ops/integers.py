"""Arithmetic of integers: common divisors and multiples, shifted bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.operation import elementwise, methods, overwriting
from tinygrad_edu.tensor import Tensor

__all__ = ["bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm"]

SMALL = {"input": 8, "other": 8}


@elementwise(np.gcd, domain=SMALL)
def gcd(input: Any, other: Any) -> Tensor:
    """The greatest common divisor, 0 of 0 and 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.gcd(tg.tensor([12, -8]), tg.tensor([18, 12]))
    tensor([6, 4])
    """


@elementwise(np.lcm, domain=SMALL)
def lcm(input: Any, other: Any) -> Tensor:
    """The least common multiple, 0 where one is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.lcm(tg.tensor([4, 6]), tg.tensor([6, 3]))
    tensor([12,  6])
    """


@elementwise(np.left_shift, domain=SMALL)
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    r"""The bits moved up, :math:`a\, 2^b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bitwise_left_shift(tg.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """


@elementwise(np.right_shift, domain=SMALL)
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    r"""The bits moved down, :math:`\lfloor a / 2^b \rfloor`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bitwise_right_shift(tg.tensor([4, 13]), 2)
    tensor([1, 3])
    """


methods(gcd_=overwriting(gcd), lcm_=overwriting(lcm))
methods(bitwise_left_shift_=overwriting(bitwise_left_shift), bitwise_right_shift_=overwriting(bitwise_right_shift))
methods(__lshift__=bitwise_left_shift, __rshift__=bitwise_right_shift)
methods(__rlshift__=lambda a, b: bitwise_left_shift(b, a), __rrshift__=lambda a, b: bitwise_right_shift(b, a))
