"""Grids, diagonals, blocks, rotations, differences and areas: values, gradients and refusals are PyTorch's."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

NAMES = ["meshgrid", "cartesian_prod", "block_diag", "diag_embed", "rot90", "diff", "trapezoid", "trapz"]
NAMES += ["cumulative_trapezoid", "logcumsumexp"]


def array(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape)


@pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning")  # that its default will change
@pytest.mark.parametrize("entry, found", cases(*NAMES))
def test_values_and_gradients_are_torchs(torch, entry, found):
    check_case(torch, entry, found)


@pytest.mark.parametrize("dimension, size, step", [(0, 2, 1), (1, 3, 2), (-1, 1, 3), (2, 2, 2), (1, 0, 1)])
def test_windows_of_one_dimension_agree_with_torch(torch, dimension, size, step):
    check(torch, lambda x: x.unfold(dimension, size, step), lambda x: x.unfold(dimension, size, step), [array(2, 5, 4)])


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("shapes", [[(2,)], [(2,), (3,)], [(2,), (3,), (4,)], [(), (3,)]])
def test_grids_of_several_axes_agree_with_torch(torch, shapes, indexing):
    inputs = [array(*shape) for shape in shapes]
    f = lambda home: lambda *x: tuple(home.meshgrid(*x, indexing=indexing))
    check(torch, f(tg), f(torch), inputs)


@pytest.mark.parametrize("shapes", [[()], [(3,)], [(2, 3), (), (2,)], [(0, 2), (1, 1)]])
def test_blocks_of_all_kinds_agree_with_torch(torch, shapes):
    inputs = [array(*shape) for shape in shapes]
    check(torch, tg.block_diag, torch.block_diag, inputs)


@pytest.mark.parametrize("offset", [-2, 0, 1])
@pytest.mark.parametrize("dims", [(-2, -1), (0, 1), (2, 0), (-1, -3)])
def test_embedded_diagonals_agree_with_torch(torch, offset, dims):
    f = lambda home: lambda x: home.diag_embed(x, offset, *dims)
    check(torch, f(tg), f(torch), [array(2, 3)])


@pytest.mark.parametrize("k", range(-2, 6))
@pytest.mark.parametrize("dims", [(0, 1), (1, 0), (-1, 0), (1, 2)])
def test_rotations_agree_with_torch(torch, k, dims):
    check(torch, lambda x: tg.rot90(x, k, dims), lambda x: torch.rot90(x, k, list(dims)), [array(2, 3, 4)])


def test_differences_of_bools_and_with_ends_agree_with_torch(torch):
    x = np.array([True, False, False, True])
    np.testing.assert_array_equal(tg.diff(tg.tensor(x)).numpy(), torch.diff(torch.tensor(x)).numpy())
    f = lambda home: lambda x, a, b: home.diff(x, 2, 0, prepend=a, append=b)
    check(torch, f(tg), f(torch), [array(3, 2), array(1, 2), array(2, 2)])
    np.testing.assert_array_equal(tg.diff(tg.ones(2), 5).numpy(), torch.diff(torch.ones(2), 5).numpy())


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_areas_with_a_step_and_along_any_dimension_agree_with_torch(torch, dim):
    y, x = array(3, 3), np.cumsum(np.abs(array(3)))
    for name in ("trapezoid", "cumulative_trapezoid"):
        f = lambda home, name=name: lambda y: getattr(home, name)(y, dx=0.5, dim=dim)
        check(torch, f(tg), f(torch), [y])
        f = lambda home, name=name: lambda y, x: getattr(home, name)(y, x, dim=dim)
        check(torch, f(tg), f(torch), [y, x])


@pytest.mark.parametrize("x", [[1e4, 0.0, 1e4, -1e4], [-1e4, 1e4, 0.0, 0.0], [0.0, -np.inf, -np.inf, 1.0]])
def test_running_log_sum_exp_is_safe_at_ten_thousand_and_infinity(torch, x):
    check(torch, lambda x: tg.logcumsumexp(x, 0), lambda x: torch.logcumsumexp(x, 0), [np.array(x)], twice=False)


def test_running_log_sum_exp_has_a_gradient_behind_nothing():
    x = tg.tensor([-np.inf, 0.0, 0.0], dtype=tg.float64, requires_grad=True)  # PyTorch's is NaN
    tg.logcumsumexp(x, 0)[2].backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, 0.5, 0.5])


@pytest.mark.parametrize("N", [None, 0, 1, 2, 5])
def test_powers_agree_with_numpy_and_torch(torch, N):
    # PyTorch's own vander has no gradient, as it overwrites what it needs; that in torch.linalg has.
    x = array(3)
    np.testing.assert_allclose(tg.vander(tg.tensor(x), N).numpy(), np.vander(x, N), rtol=1e-13)
    if N is None or N > 1:
        check(torch, lambda x: tg.vander(x, N, True), lambda x: torch.linalg.vander(x, N=N), [x])


REFUSED = {
    "meshgrid: expected vectors": lambda h: h.meshgrid(h.ones(2, 2), indexing="ij"),
    'meshgrid: indexing is "ij" or "xy"': lambda h: h.meshgrid(h.ones(2), indexing="no"),
    "cartesian_prod: expected vectors": lambda h: h.cartesian_prod(h.ones(2, 2)),
    "block_diag: expected matrices": lambda h: h.block_diag(h.ones(2, 2, 2)),
    "diag_embed: the two dimensions are the same": lambda h: h.diag_embed(h.ones(2), 0, 0, 0),
    "vander: expected a vector": lambda h: h.vander(h.ones(2, 2)),
    "vander: N is not negative": lambda h: h.vander(h.ones(2), -1),
    "rot90: expected two dimensions": lambda h: h.rot90(h.ones(2, 2), 1, [0]),
    "unfold: expected 0 <= size <= 3": lambda h: h.ones(3).unfold(0, 4, 1),
    "diff: expected at least one dimension": lambda h: h.diff(h.ones(())),
    "diff: n is not negative": lambda h: h.diff(h.ones(3), -1),
    "trapezoid: there are 3 values": lambda h: h.trapezoid(h.ones(3), h.ones(2)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_torch_refuses_is_refused(torch, message):
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        REFUSED[message](torch)
    with pytest.raises((RuntimeError, IndexError, ValueError), match=message):
        REFUSED[message](tg)
