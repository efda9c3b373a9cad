"""Operations that move elements: values, first and second derivatives are PyTorch's; so are the refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

X = np.arange(24.0).reshape(2, 3, 4) / 7

METHODS = ("view", "expand", "repeat", "reshape", "permute")
NAMES = (
    "reshape", "view", "flatten", "ravel", "unflatten", "unsqueeze", "squeeze", "permute", "transpose", "swapaxes", "t",
    "adjoint", "movedim", "flip", "fliplr", "flipud", "roll", "expand", "broadcast_to", "repeat", "tile", "diagonal",
    "diagonal_scatter", "diag", "tril", "triu", "narrow", "select",
)  # fmt: skip


@pytest.mark.parametrize("entry, found", list(cases(*NAMES, draws=3)))
def test_agrees_with_torch(torch, entry, found):
    twin = getattr(torch.Tensor, entry.name) if entry.name in METHODS else None
    check_case(torch, entry, found, twin)


CASES = {
    "reshape, a size to be found": lambda x: x.reshape(-1, 4),
    "reshape, as a tuple": lambda x: x.reshape((4, 6)),
    "reshape, of a transposed": lambda x: x.transpose(0, 2).reshape(-1),
    "view, as arguments": lambda x: x.view(6, 4),
    "view_as": lambda x: x.view_as(x.reshape(4, 6)),
    "reshape_as": lambda x: x.reshape_as(x.transpose(0, 1)),
    "flatten, all": lambda x: x.flatten(),
    "flatten, the last two": lambda x: x.flatten(-2, -1),
    "unflatten, a size to be found": lambda x: x.unflatten(-1, (2, -1)),
    "unsqueeze, at the end": lambda x: x.unsqueeze(-1),
    "squeeze, nothing": lambda x: x.squeeze(),
    "squeeze, several": lambda x: x[:1].unsqueeze(-1).squeeze((0, -1, 1)),
    "squeeze, keyword": lambda x: x[:1].squeeze(dim=0),
    "permute, negative": lambda x: x.permute(-1, 0, 1),
    "transpose, negative": lambda x: x.transpose(-1, 0),
    "swapdims": lambda x: x.swapdims(0, 2),
    "T of a matrix": lambda x: x[0].T,
    "mT": lambda x: x.mT,
    "mH": lambda x: x.mH,
    "H": lambda x: x[0].H,
    "movedim, one": lambda x: x.movedim(0, -1),
    "moveaxis, several": lambda x: x.moveaxis((0, 1), (1, 2)),
    "flip, as arguments": lambda x: x.flip(0, -1),
    "roll, flat": lambda x: x.roll(5),
    "roll, several": lambda x: x.roll((1, -5), (0, 2)),
    "roll, twice the same": lambda x: x.roll((1, 1), (2, 2)),
    "expand, as arguments": lambda x: x[:, :1].expand(5, -1, 3, 4),
    "expand_as": lambda x: x[:1].expand_as(x),
    "repeat, as arguments": lambda x: x.repeat(2, 1, 3),
    "repeat, not at all": lambda x: x.repeat(0, 1, 1),
    "tile, fewer": lambda x: x.tile(2, 3),
    "tile, more": lambda x: x.tile((2, 1, 1, 2)),
    "diagonal, above, other dimensions": lambda x: x.diagonal(1, 2, 1),
    "diagonal, below": lambda x: x.diagonal(-1, dim1=1, dim2=2),
    "diagonal, beyond": lambda x: x.diagonal(9, 1, 2),
    "diag of a matrix": lambda x: x[0].diag(1),
    "diag of a vector": lambda x: x[0, 0].diag(-2),
    "tril, far": lambda x: x.tril(-1),
    "triu, keyword": lambda x: x.triu(diagonal=2),
    "narrow, from the end": lambda x: x.narrow(2, -3, 2),
    "select, negative": lambda x: x.select(-1, -2),
    "non-contiguous throughout": lambda x: (
        x.permute(2, 0, 1)[::2].flip(1).unsqueeze(0).expand(2, -1, -1, -1).reshape(2, -1).T
    ),
}


@pytest.mark.parametrize("call", CASES.values(), ids=CASES)
def test_methods_agree_with_torch(torch, call):
    check(torch, call, call, [X])


@given(data=st.data())
def test_chains_of_random_shape_operations_agree_with_torch(torch, data):
    shape = tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)))
    steps = []
    probe = np.zeros(shape)
    for _ in range(data.draw(st.integers(1, 4))):
        n = probe.ndim
        kind = data.draw(
            st.sampled_from(["permute", "flip", "unsqueeze", "squeeze", "flatten", "roll", "slice", "repeat"])
        )
        dim = data.draw(st.integers(-n, n - 1)) if n else 0
        order, shift = data.draw(st.permutations(range(n))), data.draw(st.integers(-5, 5))
        step = {
            "permute": lambda x, order=order: x.permute(*order) if order else x,
            "flip": lambda x, d=dim: x.flip(d),
            "unsqueeze": lambda x, d=dim: x.unsqueeze(d),
            "squeeze": lambda x, d=dim: x.squeeze(d),
            "flatten": lambda x, d=dim: x.flatten(d),
            "roll": lambda x, d=dim, s=shift: x.roll(s, d) if x.ndim else x,
            "slice": lambda x, d=dim: x.narrow(d, 0, min(x.shape[d], 2)) if x.ndim else x,
            "repeat": lambda x, n=n: x.repeat(*[2] * n) if n else x,
        }[kind]
        steps.append(step)
        probe = step(tg.tensor(probe)).numpy()

    def call(x):
        for step in steps:
            x = step(x)
        return x

    check(torch, call, call, [np.arange(float(np.prod(shape))).reshape(shape) / 3])


@pytest.mark.parametrize(
    "call",
    [lambda x: x.flatten(), lambda x: x.squeeze(0), lambda x: x.transpose(0, -1), lambda x: x.unsqueeze(-1),
    lambda x: x.T,
     lambda x: x.flip(0), lambda x: x.expand(2, 3), lambda x: x.repeat(2), lambda x: x.reshape(1, 1),
     lambda x: x.movedim(0, 0), lambda x: x.permute(()), lambda x: x.t(), lambda x: x.tile((2,))],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Tensor.T is deprecated")
def test_single_numbers_are_shaped_as_in_torch(torch, call):
    check(torch, call, call, [np.array(1.5)])


@pytest.mark.parametrize(
    "call",
    [lambda x: x.reshape(0, 5), lambda x: x.flatten(), lambda x: x.permute(1, 0, 2), lambda x: x.flip(1),
    lambda x: x.roll(1, 2),
     lambda x: x.expand(4, 2, 0, 3), lambda x: x.repeat(1, 2, 1), lambda x: x.diagonal(0, 0, 2), lambda x: x.tril()],
)  # fmt: skip
def test_empty_tensors_are_shaped_as_in_torch(torch, call):
    check(torch, call, call, [np.zeros((2, 0, 3))])


REFUSED = {
    "reshape": (
        lambda x: x.reshape(5, 5),
        r"reshape: a tensor of shape \(2, 3, 4\) with 24 elements does not fit \(5, 5\)",
    ),
    "reshape, two to be found": (lambda x: x.reshape(-1, -1), "reshape"),
    "reshape, negative": (lambda x: x.reshape(-2, 12), r"reshape: sizes are 0 and more, or -1"),
    "view of a transposed": (lambda x: x.transpose(0, 2).view(-1), r"view: .* use reshape\(\), which copies"),
    "flatten": (lambda x: x.flatten(2, 1), "flatten: start_dim 2 comes after end_dim 1"),
    "unflatten": (lambda x: x.unflatten(2, (3, -1)), "unflatten: sizes"),
    "permute, too few": (lambda x: x.permute(0, 1), "permute: expected all 3 dimensions"),
    "permute, twice": (lambda x: x.permute(0, 1, 1), "permute: a dimension appears twice"),
    "t": (lambda x: x.t(), "t: expected two dimensions at most"),
    "mT": (lambda x: x[0, 0].mT, "mT: expected at least two dimensions"),
    "movedim": (lambda x: x.movedim((0, 1), (2,)), "movedim: 2 dimensions cannot go to 1"),
    "flip, twice": (lambda x: x.flip((0, -3)), "flip: a dimension appears twice"),
    "roll": (lambda x: x.roll((1, 2), (0,)), "roll: expected one shift for each dimension"),
    "expand": (lambda x: x.expand(2, 5, 4), r"expand: a tensor of shape \(2, 3, 4\) does not expand to \(2, 5, 4\)"),
    "expand, fewer": (lambda x: x.expand(3, 4), "expand"),
    "expand, -1 in front": (lambda x: x.expand(-1, 2, 3, 4), "expand"),
    "repeat, fewer": (lambda x: x.repeat(2, 2), "repeat: expected at least 3 numbers"),
    "diag": (lambda x: x.diag(), "diag: expected a vector or a matrix"),
    "diagonal_scatter": (lambda x: x.diagonal_scatter(x[0]), "diagonal_scatter"),
    "tril": (lambda x: x[0, 0].tril(), "tril: expected matrices"),
    "transpose, out of range": (lambda x: x.transpose(0, 3), r"transpose: dimension 3 is out of range \[-3, 2\]"),
    "unsqueeze, out of range": (lambda x: x.unsqueeze(-5), "unsqueeze: dimension -5 is out of range"),
    "squeeze, out of range": (lambda x: x.squeeze(3), "squeeze: dimension 3"),
    "narrow": (lambda x: x.narrow(1, 2, 2), "narrow: 2 elements from 2 reach beyond dimension 1"),
    "select": (lambda x: x.select(1, 3), "index"),
}


@pytest.mark.parametrize("call, message", REFUSED.values(), ids=REFUSED)
def test_refuses_what_torch_refuses(torch, call, message):
    with pytest.raises((RuntimeError, IndexError)) as theirs:
        call(torch.tensor(X))
    # narrow's is a RuntimeError of PyTorch's; an index out of range is an IndexError everywhere else.
    kind = IndexError if issubclass(theirs.type, IndexError) or "narrow" in message else RuntimeError
    with pytest.raises(kind, match=message):
        call(tg.tensor(X))


@pytest.mark.parametrize("value", [0.0, 2.5])
@pytest.mark.parametrize("widths", [((0, 0), (1, 2), (0, 0)), ((1, 0), (0, 0), (2, 2)), ((-1, 2), (0, -2), (-1, -1))])
def test_pad_agrees_with_torchs(torch, widths, value):
    reversed_widths = [width for pair in reversed(widths) for width in pair]
    check(
        torch,
        lambda x: tg.pad(x, widths, value),
        lambda x: torch.nn.functional.pad(x, reversed_widths, value=value),
        [X],
    )


def test_pad_refuses_widths_that_do_not_fit():
    with pytest.raises(tg.ShapeError, match="pad: expected a pair of widths for each of 3 dimensions"):
        tg.pad(tg.tensor(X), ((1, 1),))
    with pytest.raises(tg.ShapeError, match="cut more off"):
        tg.pad(tg.tensor(X), ((-2, -1), (0, 0), (0, 0)))


VIEWS = ("reshape", "view", "flatten", "ravel", "unflatten", "unsqueeze", "squeeze", "permute", "transpose",
    "swapaxes", "t",
         "adjoint", "movedim", "narrow", "select", "diagonal", "expand", "broadcast_to")  # fmt: skip
COPIES = ("flip", "roll", "repeat", "tile", "pad", "diagonal_scatter", "tril", "triu", "diag", "fliplr", "flipud")


@pytest.mark.parametrize("name", [*VIEWS, *COPIES])
def test_views_share_memory_and_its_clock_and_copies_share_neither(name):
    entry = tg.announce.announced[name]
    found = entry.case()
    inputs = [tg.tensor(x) if isinstance(x, np.ndarray) else x for x in found.drawn(np.random.default_rng(0))]
    result = found.function(*inputs, **found.options)
    assert np.may_share_memory(result.numpy(), inputs[0].numpy()) == (name in VIEWS)
    assert (result.shared_memory() is inputs[0].shared_memory()) == (name in VIEWS)


def test_arrays_in_give_arrays_out():
    assert type(tg.permute(X, (2, 0, 1))) is np.ndarray
    assert type(tg.pad(X, [(0, 0), (0, 0), (1, 1)])) is np.ndarray
    assert type(tg.movedim(X, 0, 1)) is np.ndarray


def test_numpys_axis_is_taken_for_dim():
    assert tg.unsqueeze(tg.tensor(X), axis=0).shape == (1, 2, 3, 4)


def test_the_gradient_of_an_expanded_tensor_is_a_writable_array_of_its_own():
    x = tg.zeros(3, requires_grad=True)
    x.expand(2, 3).sum().backward()
    x.grad.add_(1)
    np.testing.assert_array_equal(x.grad.numpy(), [3, 3, 3])
