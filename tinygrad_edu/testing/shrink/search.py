"""Fewer and simpler numbers for which something still holds."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["READABLE", "Arrays", "elements", "reduced"]

# By position, or by name where it is an option.
Arrays = dict[int | str, NDArray]
Axis = tuple[int | str, int]

# So many windows of a length, and sets of axes, are tried; so many lengths are put in order.
WINDOWS, SETS, CHOICES = 8, 256, 20_000
# Numbers that are easy to compute with; 0 would hide terms, and so would equal numbers below each other.
CYCLES = (
    (1.0, 2.0, 4.0, 3.0, 1.0, 3.0, 2.0),
    (2.0, 1.0, 3.0, 4.0, 2.0, 3.0, 1.0),
    (0.5, 0.25, 0.75, 0.8, 0.2, 0.5, 0.4),
    (1.0, -1.0, 2.0, -2.0, 2.0, 1.0, -1.0),
)
# After so many that would do with other values, simple ones are no longer asked for.
CHANCES = 40
# More numbers than can be read are not simplified.
READABLE = 40
# Lengths to which axes are cut at first.
FEW = (1, 2, 3, 4, 6)


def reduced(
    arrays: Arrays,
    still: Callable[[Arrays], bool],
    ends: float,
    free: Collection[int | str] = (),
    kept: Collection[int | str] = (),
) -> Arrays:
    """Shorten axes, then simplify values, as long as `still` holds.

    Axes of one length are taken to be one dimension of the problem and are cut together; then other sets of axes of those
    arrays whose gradient would have a wrong shape if that were a mistake.

    Parameters
    ----------
    arrays : dict
    still : callable
        It holds of `arrays`.
    ends : float
        When to stop, by ``time.monotonic()``.
    free : collection of int or str, optional
        Arrays that may be cut by themselves.
    kept : collection of int or str, optional
        Arrays, such as targets that add up to 1 in each row, of which only rows may be left out.

    Returns
    -------
    dict
        New arrays, or those given.
    """
    search = Search(arrays, still, ends, free, kept)
    search.sizes()
    if elements(search.arrays) <= READABLE:
        search.values()
    return search.arrays


def elements(arrays: Arrays) -> int:
    """How many numbers there are."""
    return sum(a.size for a in arrays.values())


class Search:
    """The smallest arrays so far.

    This is not left to Hypothesis, which over the same sizes and values took ten times as long for 45 errors (a median of
    0.40 s, and 0.04 s here), as it does not know which sizes fit together, and found larger inputs for five of them.
    """

    def __init__(
        self,
        arrays: Arrays,
        still: Callable[[Arrays], bool],
        ends: float,
        free: Collection[int | str],
        kept: Collection[int | str],
    ) -> None:
        self.arrays = self.given = arrays
        self.still, self.ends, self.kept = still, ends, kept
        self.lengths = {(key, axis): n for key, a in arrays.items() for axis, n in enumerate(a.shape)}
        self.free = [axis for axis in self.lengths if axis[0] in free]
        self.told: dict[tuple[Any, ...], bool] = {}
        self.simple, self.missed = True, 0

    def holds(self, candidate: Arrays) -> bool:
        """Whether it still holds; False once time is up."""
        key = tuple((a.shape, a.tobytes()) for a in candidate.values())
        if key not in self.told:
            if time.monotonic() > self.ends:
                return False
            self.told[key] = self.still(candidate)
        return self.told[key]

    def accepts(self, candidate: Arrays) -> bool:
        """Whether it still holds; then these are the smallest so far."""
        if not self.holds(candidate):
            return False
        self.arrays = candidate
        return True

    def shorter(self, candidate: Arrays) -> bool:
        """Whether it holds of shorter arrays: of simple values in them, too, if there are any of which it does.

        Two rows of a batch norm may show by chance, as they are close to each other, what other two do not.
        """
        if not self.holds(candidate):
            return False
        if not self.simple:
            self.arrays = candidate
        elif not self.simplify(candidate):
            self.missed += 1
            return False
        self.given = candidate
        return True

    def simplify(self, arrays: Arrays) -> bool:
        """Replace all floats by simple numbers."""
        floats = self.floats(arrays)
        return any(self.accepts({**arrays, **new}) for new in simple(floats))

    def floats(self, arrays: Arrays) -> Arrays:
        """Those whose values may change."""
        return {key: a for key, a in arrays.items() if a.dtype.kind == "f" and key not in self.kept}

    def sizes(self) -> None:
        """Cut axes of one length together, to the fewest elements; then any axes by one."""
        # Of many elements that takes too long to ask first.
        many = elements(self.given) > READABLE
        self.simple = many or self.simplify(self.given)
        patient = itertools.takewhile(lambda _: not many or self.missed < CHANCES, self.fewest())
        if not any(self.cut(lengths) for lengths in patient) and many:
            self.simple = False
            any(self.cut(lengths) for lengths in self.fewest())
        before = -1
        while before != (before := elements(self.given)):
            for length in sorted(set(self.lengths.values()), reverse=True):
                self.shorten([axis for axis, n in self.lengths.items() if n == length])
            for axis in self.free:
                self.shorten([axis])
            self.one_less()

    def fewest(self) -> Iterator[dict[Axis, int]]:
        """Lengths of all axes, one for those that are equal, with the fewest elements first."""
        dimensions = sorted(set(self.lengths.values()))
        choices = itertools.product(*[[n for n in FEW if n < length] + [length] for length in dimensions])
        all_of_them = [dict(zip(dimensions, choice, strict=True)) for choice in itertools.islice(choices, CHOICES)]

        def in_all(to: dict[int, int]) -> int:
            return sum(math.prod(to[n] for n in a.shape) for a in self.given.values())

        for to in sorted(all_of_them, key=in_all)[:SETS]:
            yield {axis: to[n] for axis, n in self.lengths.items()}

    def shorten(self, axes: list[Axis]) -> bool:
        """Cut these axes to the least length that will do."""
        longest = max(self.length(axis) for axis in axes)
        # Past 8, powers of 2.
        return any(self.cut(dict.fromkeys(axes, n)) for n in range(1, longest) if n <= 8 or n & (n - 1) == 0)

    def one_less(self) -> bool:
        """Take one off the axes of a set."""
        axes = [axis for axis in self.free if self.length(axis) > 1]
        sets = itertools.chain.from_iterable(itertools.combinations(axes, n) for n in range(2, len(axes) + 1))
        return any(self.cut({axis: self.length(axis) - 1 for axis in s}) for s in itertools.islice(sets, SETS))

    def length(self, axis: Axis) -> int:
        """Of an axis, now."""
        return self.given[axis[0]].shape[axis[1]]

    def cut(self, lengths: dict[Axis, int]) -> bool:
        """Cut axes to at most these lengths, to one window after the other."""
        rest = max((self.length(axis) - n for axis, n in lengths.items()), default=0)
        if rest <= 0:
            return False
        for start in [0, rest, *range(1, rest)][:WINDOWS]:
            candidate = {}
            for key, a in self.given.items():
                window = [slice(None)] * a.ndim
                for axis in range(a.ndim if key not in self.kept else 1):
                    n = min(a.shape[axis], lengths.get((key, axis), a.shape[axis]))
                    first = min(start, a.shape[axis] - n)
                    window[axis] = slice(first, first + n)
                candidate[key] = np.array(a[tuple(window)])
            if self.shorter(candidate) or self.shorter(wrapped(candidate, min(lengths.values()))):
                return True
        return False

    def values(self) -> None:
        """Simplify integers, and where floats are not simple yet, those of one array, then single ones."""
        for key, a in self.arrays.items():
            if a.dtype.kind in "iu" and a.size and a.min() >= 0:
                ranks = np.unique(a, return_inverse=True)[1].reshape(a.shape).astype(a.dtype)
                self.accepts({**self.arrays, key: ranks})
        floats = self.floats(self.arrays)
        if (
            self.simple
            or self.simplify(self.arrays)
            or any(self.accepts({**self.arrays, **new}) for new in rounded(floats))
        ):
            return
        for key, a in floats.items():
            choices = itertools.chain(simple({key: a}), rounded({key: a}))
            if not any(self.accepts({**self.arrays, **new}) for new in choices):
                for index in np.ndindex(*a.shape):
                    self.element(key, index)

    def element(self, key: int | str, index: tuple[int, ...]) -> None:
        """Simplify one element."""
        x = self.arrays[key][index]
        for value in (*np.copysign((1.0, 2.0, 3.0, 0.5), x), *(float(f"{x:.{digits}g}") for digits in (1, 2, 3))):
            changed = self.arrays[key].copy()
            changed[index] = value
            if self.accepts({**self.arrays, key: changed}):
                return


def wrapped(arrays: Arrays, n: int) -> Arrays:
    """With integers below `n`, as indices into something that long are."""
    return {key: a % n if a.dtype.kind in "iu" else a for key, a in arrays.items()}


def simple(arrays: Arrays) -> Iterator[Arrays]:
    """Simple numbers in the place of others, the simplest first."""
    for signed, cycle in itertools.product((False, True), CYCLES):
        if signed and cycle is CYCLES[0]:
            yield {key: ranked(a) for key, a in arrays.items()}
        numbers = itertools.cycle(cycle)
        new = {key: np.array([next(numbers) for _ in range(a.size)]).reshape(a.shape) for key, a in arrays.items()}
        yield {key: a * np.where(arrays[key] < 0, -1.0, 1.0) if signed else a for key, a in new.items()}


def rounded(arrays: Arrays) -> Iterator[Arrays]:
    """The numbers themselves, with few digits."""
    for digits in (1, 2):
        short = np.vectorize(lambda x, digits=digits: float(f"{x:.{digits}g}"), otypes="d")
        yield {key: short(a) for key, a in arrays.items()}


def ranked(x: NDArray) -> NDArray:
    """Small integers in the same order, with the same signs, zeros and ties."""
    places = np.searchsorted(np.unique(np.append(x, 0.0)), x)
    return np.asarray(places - (x.size and np.searchsorted(np.unique(np.append(x, 0.0)), 0.0)), np.float64)
