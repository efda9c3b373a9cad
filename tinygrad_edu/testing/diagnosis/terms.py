"""Terms that a gradient may consist of, over the author's own variables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.diagnosis.evidence import Evidence

__all__ = ["Term", "terms", "value_of"]

# Variables of a function that is longer than this are too many to combine; the first ones are taken.
VARIABLES = 15


@dataclass(frozen=True)
class Term:
    """A product of variables, times the sum of another product over some axes.

    Attributes
    ----------
    outer, inner : tuple of str
        Names of variables; `inner` is what is summed, empty if nothing is.
    axes : tuple of int
    """

    outer: tuple[str, ...]
    inner: tuple[str, ...] = ()
    axes: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.inner:
            return "·".join(self.outer)
        axes = " and ".join(map(str, self.axes))
        return " · ".join([*self.outer, f"sum({'·'.join(self.inner)}, axis {axes})"])


def terms(e: Evidence) -> Iterator[Term]:
    """The terms of a gradient's shape that are worth trying, simple ones first.

    Parameters
    ----------
    e : Evidence

    Returns
    -------
    iterator of Term
    """
    ndim = e.right.ndim
    names = [name for name, value in e.names.items() if value.ndim <= max(ndim, 1)][:VARIABLES]
    if "dy" in e.names and "dy" not in names:
        names.append("dy")
    products: list[tuple[str, ...]] = [(name,) for name in names]
    products += itertools.combinations_with_replacement(names, 2)
    triples = list(itertools.combinations_with_replacement(names, 3))
    for product in (*products, *triples):
        yield Term(product)
    for cotangent in cotangents(e):
        for triple in triples:
            if cotangent not in triple:
                yield Term((cotangent, *triple))
    large = [p for p in products if any(e.names[name].shape == e.right.shape for name in p)]
    over = [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]
    for outer, inner, axes in itertools.product([(), *products], large, over):
        yield Term(outer, inner, axes)


def cotangents(e: Evidence) -> list[str]:
    """The names of the cotangent in the gradient's number of dimensions, or at least of what it is called."""
    dy = e.names.get("dy")
    if dy is None or dy.ndim == e.right.ndim:
        return [] if dy is None else ["dy"]
    shaped = [name for name, v in e.names.items() if v.size == dy.size and v.ndim == e.right.ndim]
    return [name for name in shaped if np.array_equal(e.names[name].ravel(), dy.ravel())] or ["dy"]


def value_of(term: Term, e: Evidence) -> NDArray | None:
    """The term's value in a run, or None where it has none of the gradient's shape.

    Parameters
    ----------
    term : Term
    e : Evidence

    Returns
    -------
    numpy.ndarray or None
    """
    try:
        value = np.ones(())
        for name in term.outer:
            value = value * e.names[name]
        if term.inner:
            inner = np.ones(())
            for name in term.inner:
                inner = inner * e.names[name]
            value = value * inner.sum(term.axes, keepdims=True)
        return np.broadcast_to(value, e.right.shape) if value.ndim <= e.right.ndim else None
    except (KeyError, ValueError):  # a variable that the other run has not, or shapes that do not fit
        return None
