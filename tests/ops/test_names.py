"""The names are PyTorch's: of functions, of methods, of arguments."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.announce import announced


def shared(ours, theirs):
    """What two namespaces have both, and can be called in both."""
    names = [name for name in dir(ours) if not name.startswith("_") and hasattr(theirs, name)]
    return {name for name in names if callable(getattr(ours, name)) and callable(getattr(theirs, name))}


def test_more_than_two_hundred_names_are_torchs(torch):
    functions, methods = shared(tg, torch), shared(tg.Tensor, torch.Tensor)
    assert len(functions) >= 250
    assert len(methods) >= 250
    assert len(functions | methods) >= 350
    assert len(shared(tg.linalg, torch.linalg)) >= 20
    assert len(shared(tg.special, torch.special)) >= 20


def test_every_public_operation_is_a_method_where_it_is_one_in_torch(torch):
    operations = set(tg.ops.__all__) & {name for name in announced if announced[name].kind == "operation"}
    assert [name for name in sorted(operations) if hasattr(torch.Tensor, name) and not hasattr(tg.Tensor, name)] == []


def keyword_calls(h):
    x, y = h.ones(2, 2), h.ones(2, 2)
    return [
        h.sum(input=x, dim=1),
        h.softmax(input=x, dim=-1),
        h.matmul(input=x, other=y),
        x.matmul(other=y),
        h.clamp(input=x, min=0.0),
        h.cumsum(input=x, dim=0),
        h.where(condition=x > 0, input=x, other=y),
        h.kron(input=x, other=y),
        h.polygamma(n=1, input=x),
        h.sort(input=x, dim=0).values,
        h.logit(input=0.5 * x, eps=0.1),
        h.dist(input=x, other=y),
        h.matrix_power(input=x, n=2),
        h.searchsorted(sorted_sequence=h.ones(3), input=x),
    ]


def test_operands_have_torchs_names_too(torch):
    for ours, theirs in zip(keyword_calls(tg), keyword_calls(torch), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_a_gradient_flows_to_an_operand_under_torchs_name():
    x = tg.ones(2, 3, requires_grad=True)
    tg.sum(input=x, axis=0, keepdims=True)[0, 1].backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0, 1, 0], [0, 1, 0]])
    y = tg.reshape(input=x, shape=(6,))  # a view
    assert np.shares_memory(y.detach().numpy(), x.detach().numpy())


def test_an_operand_given_twice_is_refused():
    with pytest.raises(TypeError, match="multiple values"):
        tg.sum(tg.ones(2), input=tg.ones(2))
    with pytest.raises(TypeError, match="unexpected keyword"):
        tg.sum(tg.ones(2), nonsense=1)
