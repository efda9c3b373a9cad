"""Fused products, distances and moments: values, gradients and refusals are PyTorch's."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

NAMES = ["addbmm", "addcdiv", "addcmul", "addmv", "addr", "corrcoef", "cov", "dist"]
NAMES += ["std_mean", "var_mean"]
# Sums in another order, divided by variances that are not small.
CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def array(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape)


@pytest.mark.parametrize("entry, found", cases(*NAMES))
def test_values_and_gradients_are_torchs(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("shapes", [((3, 2), (4, 2)), ((2, 3, 2), (4, 2)), ((2, 1, 3, 2), (5, 1, 2)), ((0, 2), (3, 2))])
def test_distances_of_rows_are_torchs(torch, shapes, p):
    inputs = [array(*shape) for shape in shapes]
    # PyTorch has no second derivative of cdist.
    check(torch, lambda a, b: tg.cdist(a, b, p), lambda a, b: torch.cdist(a, b, p), inputs, twice=False, **CLOSE)


@pytest.mark.parametrize("entry, found", cases("pdist"))
def test_distances_of_pairs_are_torchs(torch, entry, found):
    # PyTorch has no second derivative of pdist.
    check_case(torch, entry, found, twice=False, **CLOSE)


def test_distances_of_equal_pairs_have_no_gradient(torch):
    x = np.ones((3, 2))
    check(torch, tg.pdist, torch.pdist, [x], twice=False)
    with pytest.raises(tg.ShapeError, match=r"pdist: expected a matrix, got shape \(3,\)"):
        tg.pdist(tg.ones(3))


def test_the_distance_of_equal_rows_has_no_gradient(torch):
    x = array(3, 2)
    check(torch, lambda x: tg.cdist(x, x), lambda x: torch.cdist(x, x), [x], twice=False, **CLOSE)


@pytest.mark.parametrize("name", ["addmv", "addr", "addbmm"])
def test_what_is_multiplied_by_zero_is_not_read(torch, name):
    shapes = {"addmv": [(2,), (2, 3), (3,)], "addr": [(2, 3), (2,), (3,)], "addbmm": [(2, 3), (4, 2, 5), (4, 5, 3)]}[
        name
    ]
    x, a, b = (array(*shape) for shape in shapes)
    x[:] = np.nan
    ours = getattr(tg, name)(tg.tensor(x), tg.tensor(a), tg.tensor(b), beta=0)
    theirs = getattr(torch, name)(torch.tensor(x), torch.tensor(a), torch.tensor(b), beta=0)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-13)


def test_single_variables_have_a_variance_and_a_correlation(torch):
    check(torch, tg.cov, torch.cov, [array(5)], **CLOSE)
    np.testing.assert_allclose(tg.corrcoef(tg.tensor(array(5))).numpy(), torch.corrcoef(torch.tensor(array(5))).numpy())


def test_in_place_twins_write_to_their_tensor():
    x = tg.tensor([1.0, 2.0])
    assert x.addcmul_(tg.tensor([1.0, 1.0]), tg.tensor([3.0, 4.0]), value=2) is x
    np.testing.assert_array_equal(x.numpy(), [7, 10])
    x.addcdiv_(tg.tensor([1.0, 1.0]), tg.tensor([2.0, 4.0]))
    np.testing.assert_array_equal(x.numpy(), [7.5, 10.25])


REFUSED = {
    "cdist: expected matrices with rows of one length": lambda h: h.cdist(h.ones(2, 3), h.ones(2, 4)),
    "cov: expected variables as rows": lambda h: h.cov(h.ones(2, 2, 2)),
    "matmul: inner dimensions differ": lambda h: h.addmv(h.ones(2), h.ones(2, 3), h.ones(2)),
    "mul: shapes do not broadcast": lambda h: h.addcmul(h.ones(2), h.ones(3), h.ones(2)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_torch_refuses_is_refused(torch, message):
    with pytest.raises(RuntimeError):
        REFUSED[message](torch)
    with pytest.raises(RuntimeError, match=message):
        REFUSED[message](tg)
