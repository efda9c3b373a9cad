"""PyTorch's older forms of linear algebra: their defaults, and what they give."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import check
from tests.ops.matrices import CLOSE, well


@pytest.mark.parametrize("options", [{}, {"some": False}, {"compute_uv": False}, {"some": False, "compute_uv": False}])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_singular_values_and_vectors_are_torchs_up_to_sign(torch, shape, options):
    def f(home):
        def parts(x):
            U, S, V = home.svd(x, **options)
            k = S.shape[-1]
            return U[..., :k] ** 2, S, V[..., :k] ** 2

        return parts

    check(torch, f(tg), f(torch), [well(*shape)], **CLOSE)
    shapes = [[tuple(part.shape) for part in home.svd(home.tensor(well(*shape)), **options)] for home in (tg, torch)]
    assert shapes[0] == shapes[1]


def test_v_is_not_transposed():
    x = well(2, 3)
    U, S, V = tg.svd(tg.tensor(x))
    np.testing.assert_allclose((U * S @ V.mT).numpy(), x, atol=1e-14)  # LAPACK's rounding


@pytest.mark.filterwarnings("ignore:torch.qr is deprecated:UserWarning")
def test_qr_agrees_with_torch(torch):
    check(torch, tg.qr, torch.qr, [well(4, 2)], **CLOSE)
    assert tg.qr(tg.ones(4, 2), some=False).Q.shape == (4, 4)


@pytest.mark.filterwarnings("ignore:Using torch.cross without specifying the dim:UserWarning")
def test_cross_takes_the_first_dimension_of_length_three(torch):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3, 3))]
    check(torch, tg.cross, torch.cross, inputs)
    f = lambda home: lambda a, b: home.cross(a, b, dim=-1)
    check(torch, f(tg), f(torch), inputs)
    with pytest.raises(RuntimeError):
        torch.cross(torch.ones(2, 4), torch.ones(2, 4))
    with pytest.raises(tg.ShapeError, match=r"cross: no dimension of \(2, 4\) has length 3"):
        tg.cross(tg.ones(2, 4), tg.ones(2, 4))


@pytest.mark.filterwarnings("ignore:torch.chain_matmul is deprecated:UserWarning")
def test_chain_matmul_agrees_with_torch(torch):
    inputs = [np.random.default_rng(k).normal(size=s) for k, s in enumerate([(2, 3), (3, 4), (4, 2)])]
    check(torch, tg.chain_matmul, torch.chain_matmul, inputs)
    check(torch, tg.chain_matmul, torch.chain_matmul, inputs[:1])


@pytest.mark.filterwarnings("ignore:torch.lu_solve is deprecated:UserWarning")
def test_lu_solve_takes_the_right_side_first(torch):
    f = lambda home: lambda a, b: home.lu_solve(b, *home.linalg.lu_factor(a))
    check(torch, f(tg), f(torch), [well(3, 3), well(3, 2)], **CLOSE)


def test_they_are_methods_as_in_torch():
    x, y = tg.tensor(well(3, 3)), tg.tensor(well(3, 3, seed=1))
    np.testing.assert_array_equal(x.svd().S.numpy(), tg.svd(x).S.numpy())
    np.testing.assert_array_equal(x.qr().R.numpy(), tg.qr(x).R.numpy())
    np.testing.assert_array_equal(x.cross(y).numpy(), tg.cross(input=x, other=y).numpy())
    factors = tg.linalg.lu_factor(x)
    np.testing.assert_array_equal(y.lu_solve(*factors).numpy(), tg.linalg.lu_solve(*factors, y).numpy())
