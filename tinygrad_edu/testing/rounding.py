"""What is said of rounding errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["Accuracy", "Measure", "Rounding"]

Measure = Literal["element", "largest", "inputs"]


@dataclass(frozen=True)
class Rounding:
    """The rounding errors of a result or of one gradient in one dtype, in ulps, over all scales of the inputs.

    Attributes
    ----------
    name : str
        ``'result'``, or the argument's name.
    dtype : numpy.dtype
        That of the inputs.
    came : numpy.dtype
        That of what came back.
    median : float
        Of the errors in ulps of the element itself.
    element, largest, inputs : float
        The worst error in ulps of the right element itself, in ulps of the largest element of the array, and in units of
        what rounding the inputs makes anyway; see :class:`~tinygrad_edu.testing.ulps.Ulps`.
    scale : float
        The factor of the inputs at which `element` was found.
    index : tuple of int
        Where it was found.
    values : (float, float)
        What was found there, and what is right.
    """

    name: str
    dtype: np.dtype
    came: np.dtype
    median: float
    element: float
    largest: float
    inputs: float
    scale: float
    index: tuple[int, ...]
    values: tuple[float, float]

    def __str__(self) -> str:
        what = "the result" if self.name == "result" else f"the gradient of {self.name}"
        if self.came != self.dtype:
            return f"{what} comes as {self.came} where the inputs are {self.dtype}"
        at = f" at [{', '.join(map(str, self.index))}]" if self.index else ""
        times = "" if self.scale == 1 else f" where the inputs are {self.scale:g} times those given"
        got, right = self.values
        return (
            f"{what} in {self.dtype} is off by {self.element:.3g} ulps{at}{times}, {got!r} for {right!r}; by "
            f"{self.largest:.3g} ulps of the largest element, by {self.inputs:.3g} beyond what rounding the inputs explains"
        )


@dataclass(frozen=True)
class Accuracy:
    """What :func:`accuracy` found.

    Attributes
    ----------
    name : str
    roundings : list of Rounding
        Of the result, then of each gradient; for each dtype.
    skipped : list of str
        Scales at which the code does not run or gives no numbers.
    """

    name: str
    roundings: list[Rounding]
    skipped: list[str]

    @property
    def wrong_dtypes(self) -> list[Rounding]:
        """What came back in another dtype than that of the inputs."""
        return [r for r in self.roundings if r.came != r.dtype]

    def worst(self, measure: Measure = "element", dtype: Any = None, name: str | None = None) -> Rounding:
        """The one with the largest error by a measure, in one dtype or of one array if they are given.

        Parameters
        ----------
        measure : {'element', 'largest', 'inputs'}, default 'element'
        dtype : numpy.dtype, optional
        name : str, optional
            ``'gradients'`` for all but the result.

        Returns
        -------
        Rounding
        """
        chosen = [r for r in self.roundings if dtype is None or r.dtype == dtype]
        chosen = [r for r in chosen if name in (None, r.name) or (name == "gradients" and r.name != "result")]
        return max(chosen, key=lambda r: getattr(r, measure))

    def __str__(self) -> str:
        return "\n".join([self.name, *(f"  {r}" for r in self.roundings), *(f"  {s}" for s in self.skipped)])
