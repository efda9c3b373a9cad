"""Clauses on values: shapes, types, and what must hold of any derivative; each says what it saw, or raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.contract.case import Broken, Case, NotApplicable, copied, first_difference, is_float

__all__ = ["dtype", "finite", "linear", "rows", "runs", "shape", "small_sizes"]


def runs(case: Case) -> str:
    """The backward runs and gives a gradient."""
    gradients = case.gradients()
    given = [case.pair.argument(i) for i in case.floats if gradients[i] is not None]
    if not given:
        raise Broken("the backward gives no gradient at all")
    missing = [case.pair.argument(i) for i in case.floats if gradients[i] is None]
    return f"gradients of {', '.join(given)}" + (f"; none of {', '.join(missing)}" if missing else "")


def shape(case: Case) -> str:
    """Every gradient has its argument's shape."""
    for i, gradient in enumerate(case.gradients()):
        argument = case.arguments[i]
        if gradient is not None and isinstance(argument, np.ndarray) and gradient.shape != argument.shape:
            raise Broken(
                f"the gradient of {case.pair.argument(i)} has shape {gradient.shape}, and {case.pair.argument(i)} "
                f"{argument.shape}"
            )
    return "every gradient has its argument's shape"


def finite(case: Case) -> str:
    """No NaN or infinity for ordinary inputs."""
    if not all(np.isfinite(a).all() for a in (case.y, *(case.arguments[i] for i in case.floats))):
        raise NotApplicable("an input or the result is not finite itself")
    for name, gradient in case.names(case.gradients()):
        bad = ~np.isfinite(gradient)
        if bad.any():
            at = [int(i) for i in np.argwhere(bad)[0]]
            raise Broken(f"{name} is {gradient[tuple(at)]} at {at}, where inputs and result are finite")
    return "finite"


def dtype(case: Case) -> str:
    """Gradients have the float type of the arguments."""
    seen = []
    for wanted in (np.dtype(np.float64), np.dtype(np.float32)):
        given = tuple(a.astype(wanted) if is_float(a) else a for a in case.arguments)
        options = {name: v.astype(wanted) if is_float(v) else v for name, v in case.options.items()}
        narrow = Case(case.pair, given, options, case.y, case.dy, case.generator)
        y, backward = narrow.run()
        result = np.asarray(y).dtype
        if result != wanted:
            raise Broken(f"the result is {result} for arguments of {wanted}")
        for name, gradient in case.names(backward(case.dy.astype(wanted))):
            if gradient.dtype != wanted:
                raise Broken(f"{name} is {gradient.dtype} for arguments and a cotangent of {wanted}")
        seen.append(str(wanted))
    return f"{' and '.join(seen)} stay what they are"


def sliced(case: Case, part: slice) -> Iterator[tuple[tuple[Any, ...], set[int]]]:
    """Arguments with a part of the batch: of the first array, or of all arrays that are as long."""
    i = case.floats[0]
    first = case.arguments[i]
    n = len(first) if first.ndim else -1
    long = {k for k, a in enumerate(case.arguments) if isinstance(a, np.ndarray) and a.ndim and len(a) == n}
    whole = {k for k in long if case.arguments[k].ndim > 1 or not is_float(case.arguments[k])}
    for places in [{i}, whole | {i}, long] if n > 0 else []:
        yield tuple(a[part] if k in places else a for k, a in enumerate(case.arguments)), places


def small_sizes(case: Case) -> str:
    """A batch of nothing, a batch of one, and single elements work where the forward does."""
    # Of several arguments, whose sizes depend on each other, single elements may fit by accident.
    ones = [tuple(a[(slice(0, 1),) * a.ndim] if isinstance(a, np.ndarray) else a for a in case.arguments)]
    ones = ones if len(case.floats) == 1 else []
    empty = [given for given, _ in sliced(case, slice(0, 0))]
    single = [given for given, _ in sliced(case, slice(0, 1))]
    works = []
    for how, choices in (("a batch of 0", empty), ("a batch of 1", single), ("one element", ones)):
        # Which arguments have the batch's axis is not known: that one choice works is enough.
        troubles = [trouble for given in choices if (trouble := trouble_at(case, given)) is not None]
        if troubles and all(troubles):
            raise Broken(f"for {how} the forward works, but {troubles[0]}")
        works += [how] if troubles else []
    if not works:
        raise NotApplicable("the forward takes neither a batch of 0 or 1 nor single elements")
    return f"{', '.join(works)}: fine"


def trouble_at(case: Case, given: tuple[Any, ...]) -> str | None:
    """What goes wrong in the backward at other arguments; None if the forward does not take these."""
    try:
        y, backward = case.run(given)
        if not np.isfinite(y).all() or not follows(case, np.shape(y), given):
            return None
    except Exception:
        return None
    try:
        gradients = backward(case.cotangent(np.shape(y)))
    except Exception as error:
        return f"the backward raises {type(error).__name__}: {error}"
    for i, gradient in enumerate(gradients):
        if gradient is not None and isinstance(given[i], np.ndarray) and gradient.shape != given[i].shape:
            name = case.pair.argument(i)
            return f"the gradient of {name} has shape {gradient.shape}, and {name} {given[i].shape}"
    return ""


def follows(case: Case, shape: tuple[int, ...], given: tuple[Any, ...]) -> bool:
    """Whether a result that has the batch's axis has it still, and was not broadcast to what is as long as before."""
    i = case.floats[0]
    first, n = case.arguments[i], len(case.y) if case.y.ndim else -1
    return not (first.ndim and len(first) == n) or shape[:1] == given[i].shape[:1]


def linear(case: Case) -> str:
    """The backward is linear in the cotangent."""
    g, h = case.dy, case.cotangent(case.dy.shape)
    backward = case.run()[1]
    of_g, of_h, of_both = (tuple(copied(x) for x in backward(d.copy())) for d in (g, h, 0.75 * g + h))
    for name, gradient in case.names(tuple(backward(np.zeros_like(g)))):
        if (gradient != 0).any() and not np.isnan(gradient).any():
            raise Broken(f"{name} is not 0 for a cotangent of zeros: {first_difference(gradient, gradient * 0)}")
    expected = tuple(None if a is None or b is None else 0.75 * a + b for a, b in zip(of_g, of_h, strict=True))
    case.compare(
        of_both, expected, "from a·b(g) + b(h) when the cotangent is a·g + h: the backward is not linear in it"
    )
    return "linear in the cotangent, and 0 for 0"


def rows(case: Case) -> str:
    """A batch equals its rows, where the forward treats rows independently."""
    n = len(case.y) if case.y.ndim else 0
    if n < 2:
        raise NotApplicable("the result has no batch of two or more")
    # Elsewhere than at the inputs given: there rows may be alike, and what joins them unseen.
    moved = Case(case.pair, case.moved(), case.options, case.y, case.dy, case.generator)
    y = np.asarray(moved.run()[0])
    for k, places in enumerate(places for _, places in sliced(moved, slice(0, 1))):
        if len(moved.arguments[min(places)]) == n and all(row_alone(moved, y, k, i) for i in (0, n - 1)):
            break
    else:
        raise NotApplicable("the forward does not treat rows independently")
    full = moved.gradients()
    for i in (0, n - 1):
        part = slice(i, i + 1)
        given = list(sliced(moved, part))[k][0]
        try:
            alone = moved.gradients(case.dy[part], given)
        except Exception as error:  # small sizes tells of it
            raise NotApplicable(f"the backward does not take a batch of one: {error}") from error
        masked = np.zeros_like(case.dy)
        masked[part] = case.dy[part]
        at_row = moved.gradients(masked)
        for j, (whole, single, by_mask) in enumerate(zip(full, alone, at_row, strict=True)):
            if whole is None or single is None or by_mask is None:
                continue
            name = f"the gradient of {case.pair.argument(j)}"
            found = whole[part] if j in places else by_mask
            if difference := first_difference(found, single, 1e-8):
                raise Broken(f"{name} differs between row {i} alone and row {i} of a batch of {n}: {difference}")
    return "a row alone gives what it gives in a batch"


def row_alone(case: Case, y: NDArray, k: int, i: int) -> bool:
    """Whether the forward on one row gives that row of the forward on the batch."""
    part = slice(i, i + 1)
    try:
        alone = np.asarray(case.run(list(sliced(case, part))[k][0])[0])
    except Exception:
        return False
    return bool(np.isfinite(alone).all()) and not first_difference(alone, y[part], 1e-8)
