"""Why a gradient is wrong, told from its values: the wrong and the right one, and the author's own variables.

Both gradients are computed with 60 digits, so that what fits, fits to all digits; and every explanation has to hold in a
second run on other numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.testing.diagnosis.evidence import evidence
from tinygrad_edu.testing.diagnosis.explanations import EXPLANATIONS
from tinygrad_edu.testing.diagnosis.repair import Repair, repairs
from tinygrad_edu.testing.exact.number import precision
from tinygrad_edu.testing.exact.trial import Trial

__all__ = ["Repair", "diagnose", "explain", "repairs"]


def explain(
    by_hand: Callable[..., Any], *arguments: Any, argument: int = 0, seed: int = 0, **options: Any
) -> list[str]:
    """All that can be said of one wrong gradient: what is wrong, and which change would mend it.

    Parameters
    ----------
    by_hand, *arguments, argument, seed, **options
        As for :func:`diagnose`.

    Returns
    -------
    list of str
        Sentences, none where nothing is known.
    """
    said = diagnose(by_hand, *arguments, argument=argument, seed=seed, **options)
    mended = repairs(by_hand, *arguments, argument=argument, seed=seed, most=1, **options)
    return [*([said] if said else []), *map(str, mended)]


def diagnose(
    by_hand: Callable[..., Any], *arguments: Any, argument: int = 0, seed: int = 0, **options: Any
) -> str | None:
    """Say what is wrong with the gradient of one argument, in a sentence.

    Parameters
    ----------
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)`` in NumPy.
    *arguments
        As for :func:`~tinygrad_edu.testing.exact.check_pair`. Lengths that differ from each other tell more.
    argument : int, default 0
        Which gradient, by its position.
    seed : int, default 0
    **options
        Keyword arguments.

    Returns
    -------
    str or None
        None if the gradient is right, or if nothing that is known here explains it.

    Examples
    --------
    >>> import numpy as np
    >>> def mean_square(x):
    ...     return (x * x).mean(), lambda dy: 2 * x * dy
    >>> print(diagnose(mean_square, np.array([0.5, -1.5, 2.0])))
    it is 3 times too large: a factor 1/3 is missing, 3 being the length of axis 0 of argument 0
    """
    generator = np.random.default_rng([seed, 2])
    others = [generator.permuted(a) * 0.75 + 0.11 if _is_float(a) else a for a in arguments]
    with precision():
        first = evidence(Trial(by_hand, arguments, options, seed), argument)
        second = evidence(Trial(by_hand, tuple(others), options, seed + 1), argument)
    if first.fits and not first.missing.any() or not np.isfinite(first.right).all():
        return None
    if not np.isfinite(first.found).all():
        return "it is not finite"
    lengths = {
        f"the length of axis {k} of argument {i}": n
        for i, a in enumerate(arguments)
        if isinstance(a, np.ndarray)
        for k, n in enumerate(a.shape)
    }
    for explain in EXPLANATIONS:
        for sentence, holds in explain(first, lengths):
            if holds(first) and holds(second):
                return sentence
    return None


def _is_float(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"
