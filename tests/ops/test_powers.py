"""Powers and exponentials of matrices, held against PyTorch's."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tests.ops.matrices import CLOSE, well


@pytest.mark.parametrize("entry, found", cases("matrix_exp", "matrix_power"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 7])
def test_powers_of_matrices_agree_with_torch(torch, n):
    f = lambda home: lambda x: home.linalg.matrix_power(x, n)
    check(torch, f(tg), f(torch), [well(2, 3, 3)], twice=n not in (0, 1), **CLOSE)


def test_integers_have_powers_but_no_negative_ones_as_in_torch(torch):
    for n in (0, 1, 3):
        ours, theirs = (home.matrix_power(home.tensor([[2, 1], [1, 3]]), n) for home in (tg, torch))
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.dtype == np.int64
    for home, error in ((torch, RuntimeError), (tg, tg.DtypeError)):
        with pytest.raises(error):
            home.matrix_power(home.tensor([[2, 1], [1, 3]]), -1)
