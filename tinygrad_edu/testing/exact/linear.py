"""Linear algebra on exact numbers, under the names of ``numpy.linalg``; derivatives come of dual numbers by themselves.

Matrices here are small, and what counts is that a reader sees what is computed: elimination, and textbook factors.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_edu.testing.exact.number import Dual, as_dual

__all__ = ["LINEAR"]


def numbers(a: Any) -> np.ndarray:
    """A new array of exact numbers, with NumPy's own operators."""
    a = np.array(a, object)
    return np.frompyfunc(as_dual, 1, 1)(a) if a.size else a


def eliminated(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, Dual]:
    """The solution of a x = b by Gauss' and Jordan's elimination, and the determinant of a."""
    n, rows, determinant = len(a), np.concatenate([a, b], axis=1), Dual(Decimal(1))
    for k in range(n):
        # The values decide: which row is the pivot's changes no derivative.
        pivot = max(range(k, n), key=lambda i: abs(rows[i, k].value))
        if not rows[pivot, k].value:
            raise LinAlgError("Singular matrix")
        if pivot != k:
            rows[[k, pivot]], determinant = rows[[pivot, k]], -determinant
        determinant = determinant * rows[k, k]
        rows[k] = rows[k] / rows[k, k]
        for i in range(n):
            if i != k:
                rows[i] = rows[i] - rows[i, k] * rows[k]
    return rows[:, n:], determinant


def each(function: Callable[..., Any], *matrices: np.ndarray) -> Any:
    """The function of each matrix of a batch."""
    batch = np.broadcast_shapes(*(m.shape[:-2] for m in matrices))
    if not batch:
        return function(*matrices)
    matrices = tuple(np.broadcast_to(m, (*batch, *m.shape[-2:])) for m in matrices)
    results = [function(*(m[index] for m in matrices)) for index in np.ndindex(*batch)]
    return joined(results, batch)


def joined(results: list[Any], batch: tuple[int, ...]) -> Any:
    """The results for a batch as one array, or as a tuple of them."""
    if isinstance(results[0], tuple):
        return tuple(joined(list(part), batch) for part in zip(*results, strict=True))
    whole = np.empty((*batch, *np.shape(results[0])), object)
    for index, result in zip(np.ndindex(*batch), results, strict=True):
        whole[index] = result
    return whole


def solve(a: Any, b: Any) -> Any:
    """The solution of a x = b."""
    a, b = numbers(a), numbers(b)
    if b.ndim == 1:
        return each(lambda m, c: eliminated(m, c)[0], a, b[:, None])[..., 0]
    return each(lambda m, c: eliminated(m, c)[0], a, b)


def inv(a: Any) -> Any:
    """The inverse."""
    return solve(a, numbers(np.eye(np.shape(a)[-1], dtype=int)))


def det(a: Any) -> Any:
    """The determinant, of what is not singular."""
    return each(lambda m: eliminated(m, m[:, :0])[1], numbers(a))


def slogdet(a: Any) -> Any:
    """Sign and logarithm of the determinant."""
    found = np.asarray(det(a), object)
    sign = np.frompyfunc(lambda d: Dual(Decimal(1 if d.value > 0 else -1)), 1, 1)(found)
    return np.asarray(sign, object), np.log(np.abs(found))


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """The triangle l with l lᵀ = a, of which the lower half is read."""

    def one(m: np.ndarray) -> np.ndarray:
        l = m * 0
        for j in range(len(m)):
            square = m[j, j] - (l[j, :j] * l[j, :j]).sum()
            if square.value <= 0:
                raise LinAlgError("Matrix is not positive definite")
            l[j, j] = square.sqrt()
            for i in range(j + 1, len(m)):
                l[i, j] = (m[i, j] - (l[i, :j] * l[j, :j]).sum()) / l[j, j]
        return l

    a = numbers(a)
    return each(one, a.swapaxes(-1, -2)).swapaxes(-1, -2) if upper else each(one, a)


def qr(a: Any, mode: str = "reduced") -> Any:
    """Orthonormal columns q and a triangle r with q r = a, by Gram's and Schmidt's process."""

    def one(m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        q = m[:, : len(m)] * 0
        for k in range(q.shape[1]):
            rest = m[:, k] - q[:, :k] @ (q[:, :k].T @ m[:, k])
            q[:, k] = rest / (rest @ rest).sqrt()
        return q, np.triu(q.T @ m)

    a = numbers(a)
    if mode != "reduced" and a.shape[-2] > a.shape[-1]:
        raise TypeError(f"numpy.linalg.qr with mode {mode!r} has no exact counterpart")
    return each(one, a)


LINEAR: dict[Callable[..., Any], Callable[..., Any]] = {
    np.linalg.solve: solve,
    np.linalg.inv: inv,
    np.linalg.det: det,
    np.linalg.slogdet: slogdet,
    np.linalg.cholesky: cholesky,
    np.linalg.qr: qr,
}
"""From a function of NumPy to its exact counterpart."""
