"""How many of a derivative's digits survive in float32 and float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact import ExactError, exact, precision
from tinygrad_edu.testing.exact.array import tangents, values
from tinygrad_edu.testing.rounding import Accuracy, Measure, Rounding
from tinygrad_edu.testing.shipped import Shipped, seeded
from tinygrad_edu.testing.subject import mapped
from tinygrad_edu.testing.ulps import ulps

__all__ = ["SCALES", "Accuracy", "Rounding", "accuracy", "assert_accurate", "measured"]

# float64 goes down to 5e-324: what cancels down to that from 1 has 60 digits left.
DIGITS = 390
# By chance, one way of rounding all inputs may leave an element where it is.
DIRECTIONS = 3
# As they are, where functions saturate, and where they are linear.
SCALES = (1.0, 30.0, 1e-4)


def accuracy(
    target: Any,
    *inputs: Any,
    dtypes: Sequence[Any] = ("float32", "float64"),
    scales: Sequence[float] = SCALES,
    seed: int = 0,
    **options: Any,
) -> Accuracy:
    """Measure the rounding errors of a forward and its backward, in units in the last place.

    The code runs in each dtype, and then its very lines run in decimals of 390 digits on the same numbers: the inputs, the
    parameters and the cotangent are rounded to the dtype first. That tells nothing of whether the formula is right, which
    is for :func:`assert_gradients_agree`.

    Parameters
    ----------
    target : callable, tuple of two callables, Layer or str
        What :func:`as_pair` takes, a function of Tensors, or the name of a layer, loss or operation.
    *inputs
        Arrays; may be omitted for layers and names.
    dtypes : sequence of numpy.dtype, default ('float32', 'float64')
    scales : sequence of float, default (1, 30, 1e-4)
        Factors of all float inputs.
    seed : int, default 0
        For the cotangent, drawn inputs and masks.
    **options
        Keyword arguments of the forward.

    Returns
    -------
    Accuracy

    Raises
    ------
    ExactError
        If the code does not run on exact numbers.

    Examples
    --------
    >>> import numpy as np
    >>> def tanh(x):
    ...     y = np.tanh(x)
    ...     return y, lambda dy: dy * (1 - y * y)
    >>> found = accuracy(tanh, np.array([0.5, 1.0]), dtypes=["float64"])
    >>> found.worst().scale, found.worst().element == 2**52
    (30.0, True)
    """
    return measured(Shipped.of(target, inputs, options, seed), dtypes, scales)


def measured(shipped: Shipped, dtypes: Sequence[Any], scales: Sequence[float] = SCALES) -> Accuracy:
    """The errors at all scales in all dtypes."""
    found: dict[tuple[np.dtype, str], list[Any]] = {}
    skipped: list[str] = []
    for dtype in map(np.dtype, dtypes):
        for scale in scales:
            try:
                runs = list(compared(shipped, dtype, scale))
            except (ValueError, ArithmeticError) as error:
                skipped.append(f"{dtype}, inputs times {scale:g}: {error}")
                continue
            for name, errors, given, right in runs:
                found.setdefault((dtype, name), []).append((scale, errors, given, right))
    if not found:
        raise ValueError(f"accuracy: {shipped.name} runs at none of the scales: {'; '.join(skipped)}")
    return Accuracy(shipped.name, [summed(name, dtype, runs) for (dtype, name), runs in found.items()], skipped)


def compared(shipped: Shipped, dtype: np.dtype, scale: float) -> Iterator[tuple[str, Any, NDArray, NDArray]]:
    """For the result and each gradient at one scale: its name, the errors, what was found and what is right."""
    arguments, options = shipped.at(dtype, scale)
    generator = np.random.default_rng([shipped.seed, 1])
    with np.errstate(all="ignore"):
        y, backward = shipped.run(arguments, options)
        dy = np.asarray(generator.uniform(0.5, 1.5, np.shape(y)) * generator.choice([-1.0, 1.0], np.shape(y)), dtype)
        given = [np.asarray(y), *backward(dy.copy())]
    names = ["result", *(shipped.pair.argument(i) for i in range(len(given) - 1))]
    with precision(DIGITS):
        runs = [in_decimals(shipped, arguments, options, dy, generator) for _ in range(DIRECTIONS)]
        for name, a, *exactly in zip(names, given, *runs, strict=False):
            if a is not None and exactly[0] is not None and a.dtype.kind == "f":
                right = values(exactly[0])
                if a.shape != right.shape:
                    raise ExactError(
                        f"accuracy: {shipped.name}: {name} is {a.shape} on floats and {right.shape} exactly"
                    )
                moved = np.asarray(np.max([np.abs(tangents(r)) for r in exactly], 0))
                yield name, ulps(a, right, moved, dtype), a, right


def in_decimals(
    shipped: Shipped, arguments: tuple[Any, ...], options: dict[str, Any], dy: NDArray, generator: np.random.Generator
) -> list[Any]:
    """The result and the gradients on exact numbers, whose tangents say what rounding the inputs and dy does."""

    def moving(a: NDArray) -> Any:
        if a.dtype.kind != "f":
            return a.copy()
        half = float(np.finfo(a.dtype).eps) / 2
        return exact(a, a.astype(np.float64) * half * generator.choice([-1.0, 1.0], a.shape))

    given = [mapped(a, moving) for a in arguments]
    chosen = {name: mapped(value, lambda a: exact(a).copy()) for name, value in options.items()}
    try:
        with seeded(shipped.seed):
            y, backward = shipped.exact(*given, **chosen)
            gradients = backward(moving(dy))
    except Exception as error:  # whatever the code does with numbers that are no floats
        raise ExactError(
            f"accuracy: {shipped.name} does not run on exact numbers, {type(error).__name__}: {error}"
        ) from error
    gradients = gradients if isinstance(gradients, tuple | list) else (gradients,)
    return [y, *(g() if callable(g) else g for g in gradients)]


def summed(name: str, dtype: np.dtype, runs: list[Any]) -> Rounding:
    """The errors of one array at all scales in one line."""
    scale, errors, given, right = max(runs, key=lambda run: run[1].element.max(initial=0))
    size = errors.element.size
    found = np.unravel_index(int(errors.element.argmax()), errors.element.shape) if size else ()
    index = tuple(int(i) for i in found)
    pair = (float(given[index]), float(right[index])) if size else (0.0, 0.0)
    every = np.concatenate([run[1].element.ravel() for run in runs])
    element, largest, beyond = (
        float(max(getattr(run[1], measure).max(initial=0) for run in runs))
        for measure in ("element", "largest", "inputs")
    )
    came = next((run[2].dtype for run in runs if run[2].dtype != dtype), dtype)
    median = float(np.median(every)) if every.size else 0.0
    return Rounding(name, dtype, came, median, element, largest, beyond, scale, index, pair)


def assert_accurate(
    target: Any,
    *inputs: Any,
    ulps: float,
    dtype: Any = "float64",
    measure: Measure = "inputs",
    scales: Sequence[float] = SCALES,
    seed: int = 0,
    **options: Any,
) -> Accuracy:
    """Raise AssertionError if a result or gradient is off by more than so many ulps, or comes in another dtype.

    Parameters
    ----------
    target, *inputs
        As for :func:`accuracy`.
    ulps : float
        The bound.
    dtype : numpy.dtype, default 'float64'
    measure : {'inputs', 'element', 'largest'}, default 'inputs'
        Beyond what rounding the inputs explains, which holds wherever numbers cancel or an exponential multiplies the
        error of its input; or all ulps of each element, or of the largest of its array.
    scales : sequence of float, default (1, 30, 1e-4)
    seed : int, default 0
    **options
        Keyword arguments of the forward.

    Returns
    -------
    Accuracy

    Raises
    ------
    AssertionError
        With each that is off.

    Examples
    --------
    >>> import numpy as np
    >>> def square(x):
    ...     return x * x, lambda dy: 2 * x * dy
    >>> assert_accurate(square, np.array([0.1, 0.7]), ulps=2).name
    'square'
    """
    found = accuracy(target, *inputs, dtypes=[dtype], scales=scales, seed=seed, **options)
    over = [r for r in found.roundings if getattr(r, measure) > ulps or r.came != r.dtype]
    if over:
        sentences = "\n".join(f"  {r}" for r in over)
        raise AssertionError(f"{found.name}: expected at most {ulps:g} ulps ({measure}), got\n{sentences}")
    return found
