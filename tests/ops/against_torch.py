"""Holding an operation against PyTorch's of the same name: value, dtype, first and second derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.announce import Announcement, Case, announced
from tinygrad_edu.tensor import Tensor

# Both compute the same formula in float64; what differs is the order of sums and the last bits of libm.
CLOSE = {"rtol": 1e-12, "atol": 1e-13}


def cases(*names: str, draws: int = 6) -> list[Any]:
    """Cases of these operations: of each example the default, and some with arguments drawn from its ranges."""
    found = []
    for name in names:
        entry = announced[name]
        for example in entry.examples:
            ranges = entry.ranges(example)
            choose = np.random.default_rng(len(name))
            chosen = [{}] + [{k: v[choose.integers(len(v))] for k, v in ranges.items()} for _ in range(draws)]
            for i, arguments in enumerate(chosen):
                found.append(pytest.param(entry, entry.case(example, **arguments), id=f"{name}-{example.__name__}-{i}"))
    return found


def flat(result: Any) -> list:
    """The tensors of a result, which is one or a tuple."""
    return list(result) if isinstance(result, tuple) else [result]


def derivatives(call: Callable, inputs: list, leaf: Callable, grad: Callable, twice: bool = True) -> tuple:
    """Results, gradients and gradients of gradients for weights that make every element count differently."""
    operands = [leaf(x) if isinstance(x, np.ndarray) else x for x in inputs]
    leaves = [x for x in operands if getattr(x, "requires_grad", False)]
    results = flat(call(*operands))
    total = weighted([y for y in results if getattr(y, "requires_grad", False)], leaf)
    if total is None or not leaves:
        return results, [], []
    first = grad(total, leaves, twice)
    total = weighted([g for g in first if g is not None and g.requires_grad], leaf) if twice else None
    return results, first, [] if total is None else grad(total, leaves, False)


def weighted(results: list, leaf: Callable) -> Any:
    """A scalar that depends on every element in a nonlinear way and on each differently."""
    total = None
    for y in results:
        weights = np.linspace(0.5, 1.5, int(np.prod(y.shape))).reshape(tuple(y.shape))
        term = y * leaf(weights).detach()
        term = (term * (0.8 - 0.6j)).real.sum() if y.is_complex() else term.sum()
        total = term if total is None else total + term
    return total


def ours(call: Callable, inputs: list, twice: bool = True) -> tuple:
    """The derivatives in this library."""

    def leaf(x: np.ndarray) -> Tensor:
        t = Tensor.__new__(Tensor)
        t.__init__(x, dtype=x.dtype, requires_grad=x.dtype.kind in "fc")
        return t

    def grad(total: Tensor, leaves: list, create_graph: bool) -> list:
        for x in leaves:
            x.grad = None
        total.backward(create_graph=create_graph)
        found = [x.grad for x in leaves]
        for x in leaves:
            x.grad = None
        return found

    return derivatives(call, inputs, leaf, grad, twice)


def theirs(torch: Any, call: Callable, inputs: list, twice: bool = True) -> tuple:
    """The derivatives in PyTorch."""

    def leaf(x: np.ndarray) -> Any:
        t = torch.tensor(x)
        return t.requires_grad_() if x.dtype.kind in "fc" else t

    def grad(total: Any, leaves: list, create_graph: bool) -> list:
        return list(torch.autograd.grad(total, leaves, create_graph=create_graph, allow_unused=True))

    return derivatives(call, inputs, leaf, grad, twice)


def assert_same(mine: Any, torchs: Any, what: str, **tolerance: float) -> None:
    """The same dtype, shape and values; no gradient is a gradient of zeros."""
    if mine is None and torchs is None:
        return
    if mine is None or torchs is None:
        other = torchs if mine is None else mine
        np.testing.assert_allclose(other.numpy(force=True), 0.0, atol=1e-13, err_msg=f"{what} is None on one side only")
        return
    if not hasattr(mine, "dtype"):
        assert mine == torchs, what
        return
    expected = torchs.numpy(force=True)
    found = mine.numpy(force=True)
    assert found.dtype == expected.dtype, f"{what}: dtype"
    assert found.shape == expected.shape, f"{what}: shape"
    np.testing.assert_allclose(found, expected, **(tolerance or CLOSE), err_msg=what)


def check(torch: Any, mine: Callable, torchs: Callable, inputs: list, twice: bool = True, **tolerance: float) -> None:
    """Hold a function against its twin."""
    agree(ours(mine, inputs, twice), theirs(torch, torchs, inputs, twice), **tolerance)


def agree(a: tuple, b: tuple, **tolerance: float) -> None:
    """Hold results, gradients and second gradients against their twins."""
    assert len(a[0]) == len(b[0]), "number of results"
    for what, x, y in zip(("value", "gradient", "second gradient"), a, b, strict=True):
        if not x or not y:
            for z in (*x, *y):  # what one side does not record is 0 on the other
                assert what == "second gradient", f"{what} on one side only"
                assert_same(z, None, what)
            continue
        for i, (u, v) in enumerate(zip(x, y, strict=True)):
            assert_same(u, v, f"{what} {i}", **tolerance)


def check_case(
    torch: Any, entry: Announcement, found: Case, torchs: Callable | None = None, **tolerance: float
) -> None:
    """Hold a drawn case of an announced operation against PyTorch's operation of the same name."""
    inputs = list(found.drawn(np.random.default_rng(1)))
    twin = torchs or getattr(torch, entry.name)
    options = found.options
    check(torch, lambda *x: found.function(*x, **options), lambda *x: twin(*x, **options), inputs, **tolerance)
