"""NumPy's own functions of linear algebra on Tensors: ``np.linalg.inv(t)`` is a Tensor, and recorded.

Arguments and defaults are NumPy's here, also where PyTorch's differ: integers count as float64, operands of two types
are converted to the wider one, and a right side is a vector where it has one dimension, and only there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops import (
    assemble,
    determinants,
    diagonals,
    equations,
    factorizations,
    least_squares,
    norms,
    powers,
    products,
    reduce,
    spectral,
)
from tinygrad_edu.ops.cast import astype
from tinygrad_edu.ops.numpy_protocol import as_operand, functions, replaces
from tinygrad_edu.ops.shape import unsqueeze

__all__: list[str] = []


def _floats(x: Any) -> Any:
    x = as_operand(x)
    return x if x.dtype.kind == "f" else astype(x, np.float64)


def _of_one_type(*given: Any) -> list[Any]:
    operands = [_floats(x) for x in given]
    dtype = np.result_type(*(x.dtype for x in operands))
    return [x if x.dtype == dtype else astype(x, dtype) for x in operands]


# Equations and determinants


@replaces(np.linalg.inv)
def _(a: Any) -> Any:
    return equations.inv(_floats(a))


@replaces(np.linalg.solve)
def _(a: Any, b: Any) -> Any:
    a, b = _of_one_type(a, b)
    if b.ndim == 1:
        return equations.solve(a, unsqueeze(b, -1))[..., 0]
    # A batch whose shape is that of `a` without its last dimension would be taken for vectors.
    return equations.solve(a, unsqueeze(b, 0) if b.shape == a.shape[:-1] else b)


@replaces(np.linalg.tensorsolve)
def _(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = _of_one_type(a, b)
    return equations.tensorsolve(a, b, axes)


@replaces(np.linalg.tensorinv)
def _(a: Any, ind: int = 2) -> Any:
    return equations.tensorinv(_floats(a), ind)


@replaces(np.linalg.det)
def _(a: Any) -> Any:
    return determinants.det(_floats(a))


@replaces(np.linalg.slogdet)
def _(a: Any) -> Any:
    return determinants.slogdet(_floats(a))


# Factorisations


@replaces(np.linalg.cholesky)
def _(a: Any, /, *, upper: bool = False) -> Any:
    return factorizations.cholesky(_floats(a), upper=upper)


@replaces(np.linalg.qr)
def _(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise TypeError(f"numpy.linalg.qr: mode is 'reduced', 'complete' or 'r' for Tensors, got {mode!r}")
    factors = factorizations.qr(_floats(a), "complete" if mode == "complete" else "reduced")
    return factors.R if mode == "r" else factors


@replaces(np.linalg.svd)
def _(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return spectral.svd(_floats(a), full_matrices) if compute_uv else spectral.svdvals(_floats(a))


@replaces(np.linalg.eigh)
def _(a: Any, UPLO: Any = "L") -> Any:
    return spectral.eigh(_floats(a), UPLO)


@replaces(np.linalg.eigvalsh)
def _(a: Any, UPLO: Any = "L") -> Any:
    return spectral.eigvalsh(_floats(a), UPLO)


@replaces(np.linalg.pinv)
def _(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    bound = rcond if rtol is None else rtol
    return least_squares.pinv(_floats(a), None, hermitian, rtol=1e-15 if bound is None else bound)


@replaces(np.linalg.lstsq)
def _(a: Any, b: Any, rcond: float | None = None) -> Any:
    a, b = _of_one_type(a, b)
    if rcond == -1:
        rcond = float(np.finfo(a.dtype).eps)
    x, residuals, rank, values = least_squares.lstsq(a, b, rcond, driver="gelsd")
    return x, residuals.reshape(-1), int(rank), values


@replaces(np.linalg.matrix_rank)
def _(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    return least_squares.matrix_rank(_floats(A), tol, hermitian, rtol=rtol)


# Powers, norms and products


@replaces(np.linalg.matrix_power)
def _(a: Any, n: int) -> Any:
    return powers.matrix_power(_floats(a) if n < 0 else a, n)


@replaces(np.linalg.norm)
def _(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = _floats(x)
    if ord is None:
        return reduce.norm(x, 2, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) not in (1, 2):
        raise ValueError(
            f"numpy.linalg.norm: with ord={ord!r} the axis is one for vectors or two for matrices; got {axis!r} for "
            f"shape {x.shape}"
        )
    if len(axes) == 1:
        return norms.vector_norm(x, ord, axes, keepdims)
    return norms.matrix_norm(x, ord, axes, keepdims)


@replaces(np.linalg.cond)
def _(x: Any, p: Any = None) -> Any:
    return norms.cond(_floats(x), p)


@replaces(np.linalg.multi_dot)
def _(arrays: Any) -> Any:
    return products.multi_dot(_of_one_type(*arrays))


@replaces(np.kron)
def _(a: Any, b: Any) -> Any:
    return products.kron(as_operand(a), as_operand(b))


@replaces(np.cross)
def _(a: Any, b: Any, *, axis: int = -1) -> Any:
    a, b = as_operand(a), as_operand(b)
    ndim = max(a.ndim, b.ndim)
    a, b = (x.reshape((1,) * (ndim - x.ndim) + tuple(x.shape)) for x in (a, b))
    return products.cross(a, b, dim=axis)


@replaces(np.vander)
def _(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    return assemble.vander(x, N, increasing)


# Under the names of the array API, whose arguments have no names


@replaces(np.linalg.matrix_norm)
def _(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norms.matrix_norm(_floats(x), ord, keepdim=keepdims)


@replaces(np.linalg.vector_norm)
def _(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    return norms.vector_norm(_floats(x), ord, axis, keepdims)


@replaces(np.linalg.svdvals)
def _(x: Any, /) -> Any:
    return spectral.svdvals(_floats(x))


@replaces(np.linalg.diagonal)
def _(x: Any, /, *, offset: int = 0) -> Any:
    return diagonals.diagonal(x, offset, -2, -1)


@replaces(np.linalg.trace)
def _(x: Any, /, *, offset: int = 0) -> Any:
    return reduce.sum(diagonals.diagonal(x, offset, -2, -1), -1)


@replaces(np.linalg.cross)
def _(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return functions[np.cross](x1, x2, axis=axis)


@replaces(np.linalg.vecdot)
def _(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return products.vecdot(*_of_one_type(x1, x2), dim=axis)


functions[np.linalg.outer] = functions[np.outer]
functions[np.linalg.matmul] = np.matmul
functions[np.linalg.tensordot] = functions[np.tensordot]
functions[np.linalg.matrix_transpose] = lambda x: x.mT
