"""Pseudo-inverses and least squares, held against PyTorch and the normal equations."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tests.ops.matrices import CLOSE, well


@pytest.mark.parametrize("entry, found", cases("pinv", "matrix_rank"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


@pytest.mark.parametrize("entry, found", cases("lstsq"))
def test_solutions_of_least_squares_agree_with_torch(torch, entry, found):
    f = lambda home: lambda a, b: home.lstsq(a, b).solution
    inputs = list(found.drawn(np.random.default_rng(1)))
    check(torch, f(tg.linalg), f(torch.linalg), inputs, **CLOSE)


@pytest.mark.parametrize("entry, found", cases("pinverse"))
def test_operations_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 2)])
def test_pseudo_inverses_of_lower_rank_agree_with_torch(torch, shape):
    # Of rank 1; the second gradient leaves that rank and does not exist.
    x = np.ones(shape) * np.linspace(1, 2, shape[-1])
    check(torch, tg.linalg.pinv, torch.linalg.pinv, [x], twice=False, **CLOSE)


def test_least_squares_solves_the_normal_equations(torch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 2))
    ours, theirs = (
        tg.linalg.lstsq(tg.tensor(a), tg.tensor(b)),
        torch.linalg.lstsq(torch.tensor(a), torch.tensor(b), driver="gelsd"),
    )
    np.testing.assert_allclose(ours.solution.numpy(), theirs.solution.numpy(), **CLOSE)
    np.testing.assert_allclose(ours.residuals.numpy(), theirs.residuals.numpy(), **CLOSE)
    np.testing.assert_array_equal(ours.rank.numpy(), [3, 3])
    assert tg.linalg.lstsq(tg.ones(3, 2), tg.ones(3, 1)).residuals.shape == (0,)


TOLERANCES = [{}, {"atol": 0.3}, {"rtol": 0.3}, {"atol": 0.1, "rtol": 0.3}, {"atol": 5.0}]


@pytest.mark.parametrize("options", TOLERANCES)
@pytest.mark.parametrize("hermitian", [False, True])
def test_what_counts_as_zero_is_torchs(torch, options, hermitian):
    x = np.stack([np.diag([1.0, 0.2, 0.0]), np.diag([4.0, 1.0, 0.5]), np.zeros((3, 3))])
    f = lambda home: lambda x: home.pinv(x, hermitian=hermitian, **options)
    check(torch, f(tg.linalg), f(torch.linalg), [x], twice=False)
    ours, theirs = (home.linalg.matrix_rank(home.tensor(x), hermitian=hermitian, **options) for home in (tg, torch))
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_older_positional_tolerances_are_torchs():
    x = tg.tensor([[4.0, 0.0], [0.0, 1.0]])
    assert int(tg.linalg.matrix_rank(x, 0.5)) == 2  # absolute
    np.testing.assert_array_equal(tg.linalg.pinv(x, 0.5).numpy(), [[0.25, 0], [0, 0]])  # relative


@pytest.mark.parametrize("a, b", [((4, 2), (4,)), ((3, 4, 2), (3, 4)), ((2, 3), (2,))])
def test_least_squares_takes_vectors_as_torch_does(torch, a, b):
    inputs = [well(*a), np.random.default_rng(0).normal(size=b)]
    f = lambda home: lambda a, b: home.lstsq(a, b).solution
    check(torch, f(tg.linalg), f(torch.linalg), inputs, **CLOSE)
    ours, theirs = (h.linalg.lstsq(*map(h.tensor, inputs), driver="gelsd").residuals for h in (tg, torch))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), **CLOSE)
    assert ours.shape == tuple(theirs.shape)


def test_least_squares_gives_singular_values_with_torchs_drivers(torch):
    a, b = well(4, 2), np.ones((4, 1))
    ours, theirs = (h.linalg.lstsq(h.tensor(a), h.tensor(b), driver="gelsd") for h in (tg, torch))
    np.testing.assert_allclose(ours.singular_values.numpy(), theirs.singular_values.numpy(), **CLOSE)
    assert tg.linalg.lstsq(tg.tensor(a), tg.tensor(b)).singular_values.shape == (0,)
    with pytest.raises(ValueError, match='lstsq: driver is "gelsy", "gels", "gelsd" or "gelss"'):
        tg.linalg.lstsq(tg.tensor(a), tg.tensor(b), driver="fast")
