"""Element types and copies: as in PyTorch, and gradients pass from float to float."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import check

DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_every_conversion_gives_torchs_values(torch, source, target):
    x = np.array([0.0, 1.0, 2.75, 100.0]).astype(source)
    ours = tg.tensor(x).to(getattr(tg, target))
    theirs = torch.tensor(x).to(getattr(torch, target))
    assert ours.dtype == theirs.numpy().dtype
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["float", "double", "half", "long", "int", "short", "bool"])
def test_methods_named_for_types(torch, name):
    x = np.array([0.0, 1.5])
    ours, theirs = getattr(tg.tensor(x), name)(), getattr(torch.tensor(x), name)()
    assert ours.dtype == theirs.numpy().dtype
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("call", [lambda x: (x.float() * 3).double(), lambda x: x.float().double(),
    lambda x: x.clone(), lambda x: x.type_as(x),
                                  lambda x: x.T.contiguous() * x.T, lambda x: x.half().double() * x])  # fmt: skip
def test_gradients_pass_from_float_to_float(torch, call):
    # The cotangent is rounded to the narrower type on both sides alike.
    check(torch, call, call, [np.arange(6.0).reshape(2, 3)], rtol=1e-3, atol=1e-3)


def test_the_gradient_has_the_leafs_dtype():
    x = tg.ones(2, requires_grad=True)
    x.double().sum().backward()
    assert x.grad.dtype == tg.float32


def test_integers_and_bools_have_no_gradient():
    x = tg.ones(2, requires_grad=True)
    for y in (x.long(), x.bool(), x.int(), tg.astype(x, tg.int64)):
        assert not y.requires_grad
        assert y.grad_fn is None
    with pytest.raises(tg.DtypeError, match="only float and complex tensors can have a gradient"):
        x.long().requires_grad_()


def test_nothing_is_copied_where_nothing_changes():
    x = tg.ones(2)
    assert x.to(tg.float32) is x
    assert x.to("cpu") is x
    assert x.float() is x
    assert x.astype(tg.float32) is x
    assert x.contiguous() is x
    assert x.cpu() is x
    assert x.to(tg.device("cpu"), tg.float32) is x
    assert x.to(tg.float32, copy=True) is not x
    assert x.to(dtype=tg.float64, non_blocking=True).dtype == tg.float64
    assert x.to(tg.ones(1, dtype=tg.int64)).dtype == tg.int64
    assert x.to(device="cpu", dtype=tg.float64).dtype == tg.float64


def test_contiguous_gives_row_major_memory():
    x = tg.ones(2, 3, requires_grad=True)
    y = x.T.contiguous()
    assert y.is_contiguous()
    assert not np.may_share_memory(y.detach().numpy(), x.detach().numpy())


def test_clone_has_memory_of_its_own():
    x = tg.ones(2)
    x.clone().zero_()
    np.testing.assert_array_equal(x.numpy(), [1, 1])
    assert tg.zeros(3).expand(2, 3).clone().add_(1).sum().item() == 6


def test_there_is_no_gpu():
    x = tg.ones(1)
    for call in (x.cuda, lambda: x.to("cuda"), lambda: x.to("cuda:0"), lambda: x.to(device="mps")):
        with pytest.raises(RuntimeError, match="computes on the CPU"):
            call()
    with pytest.raises(TypeError, match="to: unexpected argument 'memory'"):
        x.to(memory=1)


def test_type_names_the_element_type():
    assert tg.ones(1).type() == "float32"
    assert tg.ones(1).type(tg.int64).dtype == tg.int64
