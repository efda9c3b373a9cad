"""Numerical derivatives as a form: the only one with an error of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.grad_mode import no_grad
from tinygrad_edu.layers.module import Module
from tinygrad_edu.random import default_generator
from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.gradients import Absent, Gradients
from tinygrad_edu.testing.paired import without_pair
from tinygrad_edu.testing.recorded import joined, result_of
from tinygrad_edu.testing.subject import Subject, mapped

__all__ = ["central_difference", "numerical"]

# Elements of each gradient that are looked at, each for four evaluations.
ELEMENTS = 24


def central_difference(
    f: Callable[[NDArray], NDArray], x: NDArray, dy: NDArray, at: NDArray | None = None
) -> tuple[NDArray, NDArray]:
    r"""The gradient of :math:`\langle dy, f(x) \rangle` by differences to both sides, with an estimate of its error.

    Parameters
    ----------
    f : callable
        From an array to an array; called four times for each element.
    x : numpy.ndarray of float64
    dy : numpy.ndarray
        Of the result's shape.
    at : numpy.ndarray of int, optional
        Flat indices of the elements of `x` to do; all if omitted.

    Returns
    -------
    gradient : numpy.ndarray
        Of the elements in `at`.
    error : numpy.ndarray
        Tiny where :math:`f` is smooth. At a kink, or beside one, `gradient` ± `error` holds the slopes of both sides,
        and with them every subgradient.

    Notes
    -----
    The slope to the right, :math:`r(h) = (f(x + h) - f(x))/h = f' + h f''/2 + O(h^2)`, is freed of its second term by
    :math:`r' = 2\,r(h) - r(2h)`; so is that to the left, :math:`l'`. The gradient is :math:`(r' + l')/2`, and
    :math:`|r' - l'|/2` of the order of rounding unless the slope jumps within the step. A kink on the right leaves
    :math:`l'` right, so that the derivative is on the edge of the interval.

    The error of a central difference is about :math:`h^2 f^{(3)}/3 + \epsilon |f| / h`, least near
    :math:`h = \epsilon^{1/3}`, with the :math:`\epsilon` of the dtype in which `f` computes.

    Examples
    --------
    >>> import numpy as np
    >>> gradient, error = central_difference(np.abs, np.array([3.0, 0.0]), np.ones(2))
    >>> np.round(gradient, 6), np.round(error, 6)
    (array([1., 0.]), array([0., 1.]))
    """
    at = np.arange(x.size) if at is None else at
    found = np.asarray(f(x))
    eps = float(np.finfo(found.dtype if found.dtype.kind == "f" else np.float64).eps)
    middle = np.array(found, np.float64)
    size = np.abs(dy) * np.nan_to_num(np.abs(middle), posinf=0.0)
    moved = x.copy()
    flat = moved.reshape(-1)

    def slope(i: int, step: float) -> NDArray:
        """The slope of each term of the sum, towards a step up or down from element `i`."""
        value = flat[i]
        flat[i] = value + step
        there = np.asarray(f(moved), np.float64)
        # What does not depend on this element cancels exactly, infinities and NaNs too.
        change = np.where((there == middle) | (np.isnan(there) & np.isnan(middle)), 0.0, there - middle)
        slopes = dy * change / (flat[i] - value)
        flat[i] = value
        return slopes

    gradient, error = np.zeros(len(at)), np.zeros(len(at))
    for k, i in enumerate(at):
        h = eps ** (1 / 3) * max(1.0, abs(flat[i]))
        right, right_2, left, left_2 = (slope(i, step) for step in (h, 2 * h, -h, -2 * h))
        r, l = 2 * right - right_2, 2 * left - left_2
        gradient[k] = (r + l).sum() / 2
        rounding = 8 * eps / h * size.sum(where=r != 0)
        # Two kinks may cancel in r − l, and so does a jump of f itself at x, which makes r = l = 3/4 of jump / h; but
        # neither gives the same central difference for both widths, where the jump makes a difference of 1/4.
        widths = abs((right + left - right_2 - left_2).sum()) / 2
        error[k] = np.abs(r - l).sum() / 2 + 4 * widths + rounding
    return gradient, error


def draws(subject: Subject) -> bool:
    """Whether the subject draws random numbers; seeding takes longer than a small forward."""
    with subject.seeded():
        before = default_generator.get_state().array
        result_of(subject, seeded=False)
        return not np.array_equal(before, default_generator.get_state().array)


def numerical(subject: Subject, dy: NDArray | None) -> Gradients:
    """Central differences of the forward (by hand, if there is one), at some elements drawn at random."""
    if dy is None:
        raise Absent("the result is no float")
    target = subject.fresh()
    if isinstance(target, Module) and not without_pair(target):
        run = lambda *inputs, **options: target.pair(*inputs, **options)[0]
    else:
        run = lambda *inputs, **options: joined(target(*[mapped(v, tensor) for v in inputs], **options)).array
    generator = np.random.default_rng(subject.seed)
    buffers = list(target.buffers()) if isinstance(target, Module) else []
    random = draws(subject)
    gradients = Gradients(None, {})

    def forward(inputs: list[Any]) -> NDArray:
        before = [buffer.array.copy() for buffer in buffers]  # running statistics move in every forward
        with subject.seeded() if random else contextlib.nullcontext(), no_grad():
            y = run(*[mapped(value, np.copy) for value in inputs], **subject.options)
        for buffer, values in zip(buffers, before, strict=True):
            buffer.array[...] = values
        return np.array(y)

    def difference(name: str, array: NDArray, f: Callable[[NDArray], NDArray]) -> None:
        at = generator.choice(array.size, min(ELEMENTS, array.size), replace=False) if array.size else np.arange(0)
        at = np.union1d(at, [subject.suspects[name]] if name in subject.suspects else at[:0]).astype(int)
        for found, values in zip(
            (gradients.by_name, gradients.error), central_difference(f, array, dy, at), strict=True
        ):
            found[name] = np.full(array.shape, np.nan)
            found[name].reshape(-1)[at] = values

    for name, i, k, array in subject.differentiable():

        def of_input(moved: NDArray, i: int = i, k: int | None = k) -> NDArray:
            inputs = list(subject.inputs)
            inputs[i] = moved if k is None else [*inputs[i][:k], moved, *inputs[i][k + 1 :]]
            return forward(inputs)

        difference(name, array, of_input)
    for name, parameter in list(target.named_parameters()) if isinstance(target, Module) else []:

        def of_parameter(moved: NDArray, parameter: Tensor = parameter) -> NDArray:
            before, parameter.array = parameter.array, moved
            try:
                return forward(list(subject.inputs))
            finally:
                parameter.array = before

        difference(name, parameter.array, of_parameter)
    return gradients
