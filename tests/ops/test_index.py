"""Indexing, gathering, scattering and sorting: values, derivatives and refusals are PyTorch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import assert_same, cases, check, check_case

X = np.arange(24.0).reshape(2, 3, 4) / 7

INDICES = [
    "0", "-1", "1, 2, 3", "0, ..., 1", "...", "()", "None", "..., None, 0", ":, 1:", "::2, :, ::3",
    "0, :2, None, 1:3", "5:2",
    "[0, 1]", "[1, 1, 0]", "[]", "[[0, 1], [1, 0]],", ":, [0, 2]", "..., [3, 0, 0]", "[0, 1], [2, 1]",
    "[[0], [1]], [[0, 2]]",
    "0, [1, 2]", "0, :, [1, 2]", "[0, 1], :, 1", "[0, 1], :, [1, 2]", ":, 0, [1, 2]", "[1], None, 1", "None, 0, [1, 2]",
    "0, ..., [0, 1]", "[True, False]", "0, [True, False, True]", ":, [True, False, True], 1", "True", "False",
    "..., [True] * 4",
    "T([1, 0])", "T(0), :, [1, 2]", "T(1)", "T([True, False])", "T([[True, False, True], [False, True, False]])",
    "x > 1.2",
    "x[..., 0] > 1", ":, x[0, :, 0] > 0.3, [0]", "T([0, 1]), T([2, 1]), T([3, 3])", ":, T([[0, 1], [1, 2]])",
    "slice(T(0), T(1))",
    "[-1, 0]", "T([-1]), -1, T([-4])", "x > 99", "..., x[0] > 1.2", "1, x[0] > 1.2", "x[..., 0] > 1, 2",
    "None, ..., x[0] > 1.2",
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES)
def test_indexing_agrees_with_torch(torch, index):
    def call(lib):
        return lambda x: eval(f"x[{index}]", {"x": x, "T": lib.tensor})

    check(torch, call(tg), call(torch), [X])


def indices(shape):
    """Indices of every kind that fit a shape, as source text."""

    @st.composite
    def draw(draw):
        parts = []
        length = draw(st.integers(1, 3))
        for n in shape[: draw(st.integers(0, len(shape)))]:
            kind = draw(st.sampled_from(["int", "slice", "slice", "array", "mask", "none"]))
            if kind == "none":
                parts.append("None")
            if kind == "int":
                parts.append(str(draw(st.integers(-n, n - 1))))
            elif kind == "array":
                parts.append(f"T({draw(st.lists(st.integers(-n, n - 1), min_size=length, max_size=length))})")
            elif kind == "mask":
                parts.append(f"T({[k % 2 == 0 and k // 2 < length for k in range(n)]})")
            else:
                parts.append(draw(st.sampled_from([":", "1:", ":-1", "::2"])))
        if draw(st.booleans()):
            parts.insert(draw(st.integers(0, len(parts))), "...")
        return ", ".join(parts) or "..."

    return draw()


@given(index=indices((6, 7, 5)))
def test_random_indices_agree_with_torch(torch, index):
    x = np.arange(210.0).reshape(6, 7, 5) / 50

    def call(lib):
        return lambda x: eval(f"x[{index}]", {"x": x, "T": lib.tensor})

    try:
        call(torch)(torch.tensor(x))
    except (IndexError, RuntimeError):  # shapes of the arrays that do not broadcast
        with pytest.raises((IndexError, RuntimeError)):
            call(tg)(tg.tensor(x))
        return
    check(torch, call(tg), call(torch), [x])


@pytest.mark.parametrize("index", ["5", "0, 3", "0, 1, 2, 3", "T([7])", "T([0.5])", "[True, False, True]", "1.5"])
def test_refuses_the_indices_that_torch_refuses(torch, index):
    for lib in (torch, tg):
        with pytest.raises((IndexError, TypeError)):
            eval(f"x[{index}]", {"x": lib.tensor(X), "T": lib.tensor})


def test_index_errors_tell_the_shape():
    with pytest.raises(
        IndexError, match=r"index: index 5 is out of bounds for axis 0 with size 2 \(shape \(2, 3, 4\)\)"
    ):
        tg.tensor(X)[5]
    with pytest.raises(
        IndexError,
        match="index: expected ints, slices, None, .*, or arrays and lists of ints or bools, got dtype float64",
    ):
        tg.tensor(X)[np.array([0.5])]
    with pytest.raises(IndexError, match="too many indices for a tensor of 3 dimensions: 4"):
        tg.tensor(X)[0, 0, 0, 0]
    with pytest.raises(IndexError, match="an ellipsis .* only once"):
        tg.tensor(X)[..., 0, ...]


def test_basic_indexing_gives_views_also_of_a_single_element():
    x = tg.tensor(X)
    x[1, 2, 3].fill_(100)
    x[0][0][0].add_(50)
    assert x[1, 2, 3].item() == 100
    assert x[0, 0, 0].item() == 50


def test_an_element_taken_twice_gets_both_cotangents():
    x = tg.zeros(3, requires_grad=True)
    x[[0, 0, 2]].backward(tg.tensor([1.0, 10.0, 100.0]))
    np.testing.assert_array_equal(x.grad.numpy(), [11, 0, 100])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_taken_many_times_get_the_sum_in_their_own_dtype(rng, dtype):
    table = tg.tensor(np.zeros((5, 3), dtype), requires_grad=True)
    index = rng.integers(-5, 5, (40, 2))
    cotangent = rng.standard_normal((40, 2, 3)).astype(dtype)
    table[index].backward(tg.tensor(cotangent))
    expected = np.zeros((5, 3))
    np.add.at(expected, index, cotangent.astype(np.float64))
    assert table.grad.dtype == dtype
    # Sums of about 16 numbers of size 1, in that precision.
    np.testing.assert_allclose(table.grad.numpy(), expected, rtol=0, atol=100 * np.finfo(dtype).eps)


NAMES = ("gather", "scatter_add", "index_select", "index_add", "index_copy", "index_fill", "masked_fill",
    "masked_select", "take",
         "take_along_dim", "sort", "topk", "repeat_interleave", "argsort")  # fmt: skip


@pytest.mark.parametrize("entry, found", list(cases(*NAMES, draws=4)))
def test_agrees_with_torch(torch, entry, found):
    # PyTorch takes a mask and an index as tensors only; the helper makes tensors of all arrays.
    check_case(torch, entry, found)


CALLS = {
    "gather, smaller": lambda x, i: x.gather(1, i[:1, :, :2] % 3),
    "gather, negative dim": lambda x, i: x.gather(-1, i),
    "scatter, number": lambda x, i: x.scatter(0, i % 2, 1.5),
    "scatter_add": lambda x, i: x.scatter_add(2, i, x * x),
    "index_add, alpha": lambda x, i: x.index_add(1, i[0, 0, :3] % 3, x.flip(1), alpha=-2),
    "index_put": lambda x, i: x.index_put((i[0, 0] % 2, i[0, 1] % 3), x[0, 0, 0]),
    "index_put, accumulate": lambda x, i: x.index_put((i[0, 0] % 2,), x[0] * x[0], accumulate=True),
    "masked_fill, broadcast": lambda x, i: x[:, :1].masked_fill(i > 1, 3.0),
    "masked_fill, tensor": lambda x, i: x.masked_fill(i[0] > 1, x[0, 0, 1] * x[1, 1, 1]),
    "take_along_dim, broadcast": lambda x, i: x[:, :1].take_along_dim(i[:1], 2),
    "take_along_dim, flat": lambda x, i: x.take_along_dim(i.flatten()),
    "take, negative": lambda x, i: x.take(-1 - i),
    "topk, smallest": lambda x, i: x.topk(2, dim=1, largest=False),
    "sort, descending": lambda x, i: x.sort(dim=1, descending=True),
    "sort, keyword": lambda x, i: x.flip(2).sort(dim=2),
    "repeat_interleave, flat": lambda x, i: x.repeat_interleave(2),
    "repeat_interleave, each": lambda x, i: x.repeat_interleave(i[0, 0], dim=-1),
    "sort, a number": lambda x, i: x[0, 0, 0].sort(),
    "topk, a number": lambda x, i: x[0, 0, 0].topk(1),
    "gather, a number": lambda x, i: x[0, 0, 0].gather(0, i[0, 0, 0] * 0),
    "index_select, a number as index": lambda x, i: x.index_select(1, i[0, 0, 0]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_methods_agree_with_torch(torch, call):
    # Indices without repetition along each dimension where PyTorch's scatter would be ambiguous.
    index = np.stack([np.stack([np.roll([0, 1, 2, 3], k + j) for k in range(3)]) for j in range(2)])
    check(torch, call, call, [X, index])


@pytest.mark.parametrize("name", ["scatter", "scatter_add"])
def test_of_a_larger_source_only_the_indexed_part_counts(torch, name):
    # PyTorch computes the values, but no gradient of the larger source.
    index = np.array([[[0, 2, 1, 0]]])
    check(
        torch,
        lambda x, i: getattr(x, name)(1, i, x * 2),
        lambda x, i: getattr(x, name)(1, i, (x * 2)[:1, :1]),
        [X, index],
    )


def test_sorting_keeps_ties_in_order_and_puts_nan_last(torch):
    x = np.array([2.0, 1.0, np.nan, 2.0, 1.0, -np.inf, np.inf, np.nan])
    for descending in (False, True):
        ours = tg.sort(tg.tensor(x), descending=descending)
        theirs = torch.sort(torch.tensor(x), descending=descending, stable=True)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, "sorted")
    for k in (tg.uint8, tg.bool, tg.int64):
        y = np.array([3, 0, 1, 0]).astype(k)
        assert_same(
            tg.argsort(tg.tensor(y), descending=True),
            torch.argsort(torch.tensor(y), descending=True, stable=True),
            "order",
        )


@pytest.mark.parametrize(
    "arguments",
    [{}, {"return_inverse": True}, {"return_counts": True}, {"return_inverse": True, "return_counts": True}],
)
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_unique_agrees_with_torch(torch, arguments, dim):
    x = np.array([[3, 1, 3], [2, 1, 2], [3, 1, 3]])
    ours, theirs = tg.unique(tg.tensor(x), dim=dim, **arguments), torch.unique(torch.tensor(x), dim=dim, **arguments)
    for a, b in zip(ours if arguments else [ours], theirs if arguments else [theirs], strict=True):
        assert_same(a, b, "unique")


@pytest.mark.parametrize("shape", [(3, 4), (5,), (), (0, 2)])
def test_nonzero_agrees_with_torch(torch, shape):
    x = np.arange(float(np.prod(shape))).reshape(shape) % 3
    assert_same(tg.nonzero(tg.tensor(x)), torch.nonzero(torch.tensor(x)), "nonzero")
    for a, b in zip(
        tg.nonzero(tg.tensor(x), as_tuple=True), torch.nonzero(torch.tensor(x), as_tuple=True), strict=True
    ):
        assert_same(a, b, "nonzero")


def test_one_hot_agrees_with_torch(torch):
    for x, n in (
        (np.array([[0, 2], [1, 0]]), -1),
        (np.array([0, 2]), 5),
        (np.array(1), 3),
        (np.zeros((0, 2), np.int64), 3),
    ):
        assert_same(tg.one_hot(tg.tensor(x), n), torch.nn.functional.one_hot(torch.tensor(x), n), "one_hot")
    with pytest.raises(tg.ShapeError, match="one_hot: expected classes from 0 to 1, got values from 0 to 2"):
        tg.one_hot(tg.tensor([0, 2]), 2)
    with pytest.raises(tg.DtypeError, match="one_hot: expected classes as ints"):
        tg.one_hot(tg.tensor([0.0]))


I = np.zeros((2, 3, 4), np.int64)
REFUSED = {
    "gather, dims": (lambda x, i: x.gather(0, i[0]), RuntimeError, "gather: the index must have as many dimensions"),
    "gather, size": (lambda x, i: x[:1].gather(1, i), RuntimeError, "gather: index of shape .* is larger than"),
    "gather, range": (lambda x, i: x.gather(1, i + 3), (RuntimeError, IndexError),
    "gather: index 3 is out of range for dimension 1"),
    "gather, dtype": (lambda x, i: x.gather(1, i.double()), RuntimeError, "gather: expected an index of ints"),
    "scatter, source": (lambda x, i: x.scatter(1, i, x[:1]), RuntimeError, "scatter: src of shape .* is smaller"),
    "scatter_add, dtype": (lambda x, i: x.scatter_add(1, i, x.float()), RuntimeError,
    "scatter_add: .* float64 and float32"),
    "index_select, range": (lambda x, i: x.index_select(0, i[0, 0] + 2), (IndexError, RuntimeError),
    "index_select: an index is out of range"),
    "index_select, dims": (lambda x, i: x.index_select(0, i), (IndexError, RuntimeError),
    "index_select: expected a vector"),
    "masked_fill, mask": (lambda x, i: x.masked_fill(i, 0.0), RuntimeError, "masked_fill: expected a mask of bools"),
    "masked_fill, value": (lambda x, i: x.masked_fill(i > 0, x[0, 0]), RuntimeError,
    "masked_fill: expected a single value"),
    "topk": (lambda x, i: x.topk(5), RuntimeError, r"topk: k = 5 is out of range \[0, 4\]"),
    "repeat_interleave": (lambda x, i: x.repeat_interleave(i[0, 0, :3], 2), RuntimeError,
    "repeat_interleave: expected"),
    "sort": (lambda x, i: x.sort(3), IndexError, "sort: dimension 3 is out of range"),
}  # fmt: skip


@pytest.mark.parametrize("call, kinds, message", REFUSED.values(), ids=REFUSED)
def test_refuses_what_torch_refuses(torch, call, kinds, message):
    with pytest.raises(kinds):
        call(torch.tensor(X), torch.tensor(I))
    with pytest.raises(kinds, match=message):
        call(tg.tensor(X), tg.tensor(I))


def test_integers_have_no_history():
    x = tg.tensor(X, requires_grad=True)
    assert not x.argsort().requires_grad
    assert not x.sort().indices.requires_grad
    assert x.sort().values.requires_grad
