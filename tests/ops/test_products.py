"""Products of Kronecker and of vectors in space, held against PyTorch's."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tests.ops.matrices import CLOSE
from tinygrad_edu.ops.products import _brackets


@pytest.mark.parametrize("entry, found", cases("cross", "vecdot"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


@pytest.mark.parametrize("entry, found", cases("kron"))
def test_operations_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


def test_cross_agrees_with_torch_along_other_dimensions(torch):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, 3, 4)), rng.normal(size=(1, 3, 4))]
    f = lambda home: lambda a, b: home.cross(a, b, dim=1)
    check(torch, f(tg.linalg), f(torch.linalg), inputs)


@pytest.mark.parametrize("a, b", [((2, 3), (4, 2)), ((3,), (2, 2)), ((), (2,)), ((2, 1, 2), (3, 2))])
def test_kron_agrees_with_torch(torch, a, b):
    rng = np.random.default_rng(0)
    check(torch, tg.kron, torch.kron, [rng.normal(size=a), rng.normal(size=b)])


CHAINS = [[(2, 3), (3, 4)], [(5, 2), (2, 6), (6, 3)], [(3,), (3, 2), (2, 4)], [(3, 2), (2, 4), (4,)], [(3,), (3,)]]
CHAINS += [[(3,), (3, 5), (5,)], [(4, 1), (1, 6), (6, 2), (2, 5), (5, 3)], [(0, 2), (2, 3)], [(2, 0), (0, 3), (3, 1)]]


@pytest.mark.parametrize("shapes", CHAINS)
def test_chains_agree_with_torch(torch, shapes):
    inputs = [np.random.default_rng(k).normal(size=s) for k, s in enumerate(shapes)]
    f = lambda home: lambda *x: home.multi_dot(x)
    check(torch, f(tg.linalg), f(torch.linalg), inputs)


def test_chains_are_bracketed_for_the_fewest_multiplications():
    # The example of Cormen et al., section 15.2: six matrices, 15125 multiplications.
    assert _brackets([30, 35, 15, 5, 10, 20, 25]) == ((0, (1, 2)), ((3, 4), 5))


@pytest.mark.parametrize("shapes", [[(2, 3)], [(2, 3), (2, 3)], [(2, 3), (3,), (1, 2)], [(2, 3), (2, 3, 2)]])
def test_chains_that_torch_refuses_are_refused(torch, shapes):
    with pytest.raises(RuntimeError):
        torch.linalg.multi_dot([torch.ones(s) for s in shapes])
    with pytest.raises(tg.ShapeError, match="multi_dot"):
        tg.linalg.multi_dot([tg.ones(s) for s in shapes])


def test_inner_products_of_integers_are_refused_as_in_torch(torch):
    with pytest.raises(RuntimeError):
        torch.linalg.vecdot(torch.ones(3), torch.ones(3, dtype=torch.int64))
    with pytest.raises(tg.DtypeError, match="vecdot: expected floats, got float32 and int64"):
        tg.linalg.vecdot(tg.ones(3), tg.ones(3, dtype=tg.int64))
