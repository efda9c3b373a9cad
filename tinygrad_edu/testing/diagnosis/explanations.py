"""Explanations of a wrong gradient: each yields sentences with a test of whether they hold in a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.diagnosis.evidence import CLOSE, Evidence, constant_ratio, same, simple
from tinygrad_edu.testing.diagnosis.terms import Term, terms, value_of

__all__ = ["EXPLANATIONS"]

Explanation = Iterator[tuple[str, Callable[[Evidence], bool]]]
Lengths = dict[str, int]


def of_shape(e: Evidence, lengths: Lengths) -> Explanation:
    """A gradient of another shape than its argument."""
    if e.fits:
        return
    what = f"it has shape {e.found.shape}, its argument {e.right.shape}"

    def summed(axes: tuple[int, ...], e: Evidence) -> bool:
        total = np.asarray(e.found.sum(axes))
        return total.size == e.right.size and same(total.reshape(e.right.shape), e.right)

    def transposed(order: tuple[int, ...], e: Evidence) -> bool:
        return same(e.found.transpose(order), e.right)

    for axes in subsets(e.found.ndim):
        where = f"axis {listed(axes)}, along which the argument was broadcast"
        yield f"{what}: it was not summed over {where}", partial(summed, axes)
    for order in itertools.permutations(range(e.found.ndim)):
        yield f"{what}: it is transposed", partial(transposed, order)
    yield what, lambda e: not e.fits


def of_factor(e: Evidence, lengths: Lengths) -> Explanation:
    """All elements wrong by one factor."""
    if not e.fits:
        return
    if not e.found.any():
        yield "it is zero everywhere", lambda e: not e.found.any()
    ratio, rest = constant_ratio(e.found, e.right), constant_ratio(e.missing, e.right)
    if ratio is None or rest is None:
        return

    def holds(e: Evidence) -> bool:
        other = constant_ratio(e.missing, e.right)
        return other is not None and abs(other / rest - 1) < CLOSE

    near = simple(ratio) if abs(rest) > CLOSE else None
    if near == -1:
        yield "its sign is wrong", holds
    if near is not None:
        for name, n in lengths.items():
            if n > 1 and near == n:
                yield f"it is {n} times too large: a factor 1/{n} is missing, {n} being {name}", holds
            if n > 1 and near == Fraction(1, n):
                yield f"it is {n} times too small: a factor 1/{n} is too much, {n} being {name}", holds
        yield f"it is {near} times the right one", holds
    square = simple(ratio * ratio)
    if near is None and square is not None and ratio > 0:
        for name, n in lengths.items():
            if n > 1 and square == n:
                yield f"it is √{n} times too large: a factor 1/√{n} is missing, {n} being {name}", holds
            if n > 1 and square == Fraction(1, n):
                yield f"it is √{n} times too small: a factor 1/√{n} is too much, {n} being {name}", holds
    if abs(rest) < 1e-3:
        yield f"a constant factor is wrong by a relative {abs(rest):.2g}, in digits that are easily overlooked", holds
    yield f"it is {ratio:.12g} times the right one, everywhere: a constant is wrong", holds


def of_axes(e: Evidence, lengths: Lengths) -> Explanation:
    """The right values in other places."""
    if not e.fits:
        return

    def transposed(order: tuple[int, ...], e: Evidence) -> bool:
        return same(e.right.transpose(order), e.found)

    def flipped(axes: tuple[int, ...], e: Evidence) -> bool:
        return same(np.flip(e.right, axes), e.found)

    def shifted(step: int, axis: int, e: Evidence) -> bool:
        found = inside(e.found, step, axis)
        return bool(found.any()) and same(inside(e.right, -step, axis), found)

    ndim = e.right.ndim
    for order in list(itertools.permutations(range(ndim)))[1:]:
        what = f"it has the right values with axes in the order {order}: it is transposed"
        yield what, partial(transposed, order)
    for axes in subsets(ndim):
        yield f"it has the right values in reverse along axis {listed(axes)}", partial(flipped, axes)
    for axis, step in itertools.product(range(ndim), (1, -1)):
        yield f"it has the right values shifted by {step:+d} along axis {axis}", partial(shifted, step, axis)


def of_reduction(e: Evidence, lengths: Lengths) -> Explanation:
    """One of the author's variables summed where another reduction of it is given."""
    if not e.fits:
        return

    def right(name: str, axes: tuple[int, ...], e: Evidence) -> bool:
        return same(reduced(e.names.get(name), axes, e), e.right)

    def other_axes(name: str, axes: tuple[int, ...], others: tuple[int, ...], e: Evidence) -> bool:
        return right(name, axes, e) and same(reduced(e.names[name], others, e), e.found)

    def one_alone(name: str, axes: tuple[int, ...], place: int, e: Evidence) -> bool:
        return right(name, axes, e) and same(e.names[name].take(place, axes[0]).reshape(e.right.shape), e.found)

    for name, value in e.names.items():
        for axes in subsets(value.ndim):
            if not right(name, axes, e):
                continue
            for others in subsets(value.ndim):
                what = f"{name} is summed over axis {listed(others)}, and axis {listed(axes)} is right"
                yield what, partial(other_axes, name, axes, others)
            if len(axes) == 1:
                for place, word in ((0, "first"), (-1, "last")):
                    what = f"it is the {word} of {name} along axis {listed(axes)}, whose sum is right"
                    yield what, partial(one_alone, name, axes, place)


def of_variable(e: Evidence, lengths: Lengths) -> Explanation:
    """A factor that is one of the author's variables, or a power of it."""
    if not e.fits:
        return

    def missing(name: str, power: float, e: Evidence) -> bool:
        return proportional(e.right, e.found, e.names.get(name), power)

    def too_much(name: str, power: float, e: Evidence) -> bool:
        return proportional(e.found, e.right, e.names.get(name), power)

    # That 1 + v is missing as a factor says less than that v is as a term.
    names = [name for name in e.names if not name.startswith("(1 + ")]
    for name, (power, word) in itertools.product(names, POWERS.items()):
        yield f"a factor {word.format(name)} is missing", partial(missing, name, power)
        yield f"a factor {word.format(name)} is too much", partial(too_much, name, power)


def of_function(e: Evidence, lengths: Lengths) -> Explanation:
    """A factor that is a function of one of the author's variables."""
    if not e.fits:
        return

    def applied(name: str, function: Callable[[NDArray], NDArray], e: Evidence) -> NDArray | None:
        with np.errstate(all="ignore"):
            value = function(e.names[name]) if name in e.names else None
        return value if value is not None and np.isfinite(value).all() else None

    def missing(name: str, function: Callable[[NDArray], NDArray], e: Evidence) -> bool:
        return proportional(e.right, e.found, applied(name, function, e), 1.0)

    def too_much(name: str, function: Callable[[NDArray], NDArray], e: Evidence) -> bool:
        return proportional(e.found, e.right, applied(name, function, e), 1.0)

    for name, (word, function) in itertools.product(e.names, FUNCTIONS.items()):
        yield f"a factor {word.format(name)} is missing", partial(missing, name, function)
        yield f"a factor {word.format(name)} is too much", partial(too_much, name, function)


FUNCTIONS: dict[str, Callable[[NDArray], NDArray]] = {
    "exp({})": np.exp,
    "exp(−{})": lambda v: np.exp(-v),
    "1/(1 + exp(−{}))": lambda v: 1 / (1 + np.exp(-v)),
    "tanh({})": np.tanh,
    "(1 − tanh²({}))": lambda v: 1 - np.tanh(v) ** 2,
    "cos({})": np.cos,
    "sin({})": np.sin,
    "log({})": np.log,
    "sign({})": np.sign,
    "({0} > 0)": lambda v: 1.0 * (v > 0),
}


def of_product(e: Evidence, lengths: Lengths) -> Explanation:
    """A gradient that ought to be a product of two of the author's matrices, or lacks one."""
    if not e.fits or not 1 <= e.right.ndim <= 2:
        return

    def agrees(a: str, b: str, wanted: str, ratio: float, e: Evidence) -> bool:
        value = matrix_product(a, b, e)
        other = None if value is None else constant_ratio(getattr(e, wanted), value)
        return other is not None and abs(other / ratio - 1) < CLOSE

    for a, b in itertools.product([n + t for n in e.names for t in ("", ".T")], repeat=2):
        value = matrix_product(a, b, e)
        for wanted, sentence in PRODUCTS.items():
            ratio = None if value is None else constant_ratio(getattr(e, wanted), value)
            near = None if ratio is None else simple(ratio)
            if ratio is not None and near is not None:
                yield sentence.format(f"{times(near)}{a} @ {b}"), partial(agrees, a, b, wanted, ratio)


PRODUCTS = {"right": "{} would be right", "missing": "the term {} is missing, or is there with a wrong factor"}


def matrix_product(a: str, b: str, e: Evidence) -> NDArray | None:
    """A product of two variables, each transposed if its name ends so; None if it is not of the gradient's shape."""
    factors = [v.T if n.endswith(".T") else v for n in (a, b) if (v := e.names.get(n.removesuffix(".T"))) is not None]
    if len(factors) < 2 or not all(1 <= f.ndim <= 2 for f in factors) or factors[0].shape[-1] != len(factors[1]):
        return None
    value = factors[0] @ factors[1]
    return value if value.shape == e.right.shape else None


POWERS = {1.0: "{}", 2.0: "{}²", -1.0: "1/{}", -2.0: "1/{}²", 0.5: "√{}", -0.5: "1/√{}"}


def of_term(e: Evidence, lengths: Lengths) -> Explanation:
    """A term of a sum that is missing, too much, or has a wrong factor."""
    if not e.fits:
        return
    for term in terms(e):
        ratio = constant_ratio(e.missing, value_of(term, e)) if value_of(term, e) is not None else None
        if ratio is None:
            continue

        def holds(e: Evidence, term: Term = term, ratio: float = ratio) -> bool:
            value = value_of(term, e)
            other = None if value is None else constant_ratio(e.missing, value)
            return other is not None and abs(other / ratio - 1) < CLOSE

        near = simple(ratio)
        if near is None:
            yield f"the term {term} has a wrong factor: {ratio:.6g} of it is missing", holds
        else:
            yield f"the term {times(near)}{term} is missing, or is there with a wrong factor", holds


def of_exchange(e: Evidence, lengths: Lengths) -> Explanation:
    """One term of a sum in the place of another: missing = c (right term − given term)."""
    if not e.fits or not e.missing.any():
        return
    scale = float(np.abs(e.missing).max())
    known: dict[bytes, tuple[NDArray, Term]] = {}
    for term in itertools.islice(terms(e), MOST_TERMS):
        value = value_of(term, e)
        if value is not None and value.any() and constant_ratio(value, value.flat[0] * np.ones(value.shape)) is None:
            known.setdefault(key(value / scale), (value, term))
    factors = {Fraction(s * k, n) for s in (1, -1) for k in (1, 2, 3) for n in (1, 2, 3, *lengths.values())}
    for c in sorted(factors, key=lambda c: (c.numerator**2 + c.denominator**2, c < 0)):
        step = e.missing / float(c) / scale
        for value, term in known.values():
            found = known.get(key(value / scale - step))
            given = None if found is None else found[1]
            if given is None or given == term or not left_simple(e, c, given, known.values()):
                continue

            def holds(e: Evidence, term: Term = term, given: Term = given, c: Fraction = c) -> bool:
                a, b = value_of(term, e), value_of(given, e)
                return a is not None and b is not None and same(float(c) * (a - b), e.missing)

            yield f"it has {times(c)}{given} where {times(c)}{term} is right", holds


MOST_TERMS = 4_000


def left_simple(e: Evidence, c: Fraction, given: Term, known: Iterable[tuple[NDArray, Term]]) -> bool:
    """Whether the gradient without c · `given` is a single term, or nothing: then it was there, and with that sign."""
    value = value_of(given, e)
    if value is None:
        return False
    rest = e.found - float(c) * value
    return same(rest, 0 * rest) or any(constant_ratio(rest, term) is not None for term, _ in known)


def of_place(e: Evidence, lengths: Lengths) -> Explanation:
    """Right in some places and wrong in others."""
    if not e.fits:
        return

    def inverted(e: Evidence) -> bool:
        return np.array_equal(e.found != 0, e.right == 0)

    def lines(axis: int, e: Evidence) -> NDArray:
        return np.asarray(wrong(e).any(tuple(k for k in range(e.right.ndim) if k != axis)))

    def those(axis: int, expected: NDArray, e: Evidence) -> bool:
        return np.array_equal(lines(axis, e), expected)

    yield "it is zero where it should not be, and not where it should: the condition is the wrong way round", inverted
    for name, (word, test) in itertools.product(e.names, {"> 0": np.greater, "< 0": np.less}.items()):
        yield f"it is wrong exactly where {name} {word}", partial(only_where, name, test)
    for axis in range(e.right.ndim):
        bad = lines(axis, e)
        if 0 < bad.sum() < bad.size:
            places = ", ".join(map(str, np.flatnonzero(bad)))
            what = f"it is wrong at {places} along axis {axis}, of length {bad.size}, and right elsewhere"
            yield what, partial(those, axis, bad)


EXPLANATIONS = (
    *(of_shape, of_factor, of_axes, of_reduction, of_variable, of_function, of_product),
    *(of_term, of_exchange, of_place),
)
"""In the order in which they are tried: what explains more with less comes first."""


def subsets(ndim: int) -> list[tuple[int, ...]]:
    """The sets of axes, small ones first, without the empty one."""
    return [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]


def reduced(value: NDArray | None, axes: tuple[int, ...], e: Evidence) -> NDArray:
    """A sum over axes in the gradient's shape; NaN if it does not fit."""
    total = np.zeros(0) if value is None or max(axes) >= value.ndim else value.sum(axes)
    return total.reshape(e.right.shape) if total.size == e.right.size else np.full(e.right.shape, np.nan)


def proportional(a: NDArray, b: NDArray, variable: NDArray | None, power: float) -> bool:
    """Whether a = c · b · variable^power, c being a simple fraction."""
    if variable is None or variable.ndim > a.ndim or same(variable, np.full(variable.shape, variable.flat[0])):
        return False
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = variable**power
    try:
        ratio = constant_ratio(a, np.broadcast_to(b * factor, a.shape)) if np.isfinite(factor).all() else None
    except ValueError:
        return False
    return ratio is not None and simple(ratio, 64) is not None


def inside(x: NDArray, step: int, axis: int) -> NDArray:
    """Without the elements that a shift by `step` moves in."""
    part: list[Any] = [slice(None)] * x.ndim
    part[axis] = slice(step, None) if step > 0 else slice(None, step)
    return x[tuple(part)]


def wrong(e: Evidence) -> NDArray:
    """Where the gradient is wrong."""
    return np.abs(e.missing) > CLOSE * np.abs(e.right).max(initial=0.0)


def only_where(name: str, test: Any, e: Evidence) -> bool:
    """Whether the gradient is wrong in just those places where a variable passes a test."""
    value = e.names.get(name)
    if value is None or value.shape != e.right.shape:
        return False
    mask = test(value, 0)
    # Where right and wrong happen to be both zero, nothing can be seen.
    return 0 < mask.sum() < mask.size and np.array_equal(wrong(e), mask)


def key(value: NDArray) -> bytes:
    """The same bytes for values that agree to eight digits."""
    return (np.round(value, 8) + 0.0).tobytes()


def times(c: Fraction) -> str:
    """A factor before a term."""
    return {1: "", -1: "−"}.get(c, f"{c} · ")  # type: ignore[call-overload]


def listed(axes: tuple[int, ...]) -> str:
    """Axes for a sentence."""
    return " and ".join(map(str, axes))
