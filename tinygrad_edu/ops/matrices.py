"""What the operations on matrices share: what they ask of an operand, the error they raise, and 0 / 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.comparison import eq
from tinygrad_edu.ops.selection import where
from tinygrad_edu.tensor import Tensor

__all__ = ["LinAlgError", "ratio", "require_matrix", "symmetric"]


class LinAlgError(np.linalg.LinAlgError, RuntimeError):
    """A matrix that the operation is not defined for: singular, or not positive definite."""


def require_matrix(name: str, x: Any, square: bool = True, floats: bool = True, complex: bool = False) -> None:
    """Refuse what is no matrix, nor a batch of them; `floats` says whether only floats will do, or `complex` numbers."""
    if not isinstance(x, np.ndarray | Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: expected a matrix, or a batch of them, got shape {tuple(x.shape)}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: expected a square matrix, or a batch of them, got shape {tuple(x.shape)}")
    if floats and x.dtype.kind not in ("fc" if complex else "f"):
        raise DtypeError(f"{name}: expected floats, got {x.dtype} (shape {tuple(x.shape)}); convert with .float()")


def ratio(a: Any, b: Any) -> Any:
    """The quotient, with 0 / 0 = 0: what does not reach the result needs no defined derivative."""
    undefined = eq(b, 0)
    quotient = a / where(undefined, 1.0, b)
    return where(undefined, where(eq(a, 0), 0.0, math.nan), quotient)


def symmetric(call: Any) -> Any:
    """An operation on symmetric matrices, as one on all: of the mean of a matrix and its transpose."""

    def of_symmetric(x: Any) -> Any:
        return call(0.5 * (x + x.mT))

    of_symmetric.__name__ = call.__name__
    return of_symmetric
