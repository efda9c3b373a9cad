"""Each clause of the contract of a backward, seen broken by a pair that breaks no other."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from tinygrad_edu import nn
from tinygrad_edu.testing import check_contract
from tinygrad_edu.testing.contract import MILD
from tinygrad_edu.testing.contract.clauses import CLAUSES


@pytest.fixture
def x(rng):
    return rng.uniform(0.5, 1.5, (4, 3))


def square(x):
    return x * x, lambda dy: 2 * x * dy


def linear(x, w, b):
    return x @ w.T + b, lambda dy: (dy @ w, dy.T @ x, dy.sum(0))


def normalized(x):
    """Rows depend on each other, and a batch of nothing has no mean."""
    y = x - x.mean(0)
    return y, lambda dy: dy - dy.mean(0)


# Pairs that break one clause


def no_gradient(x):
    return x * x, lambda dy: None


def crashes(x):
    return x * x, lambda dy: dy @ dy


def wrong_shape(x):
    return x * x, lambda dy: (2 * x * dy)[None]


def not_a_number(x):
    return x * x, lambda dy: 2 * x * dy * np.where(np.arange(3) == 1, np.nan, 1).astype(x.dtype)


def overwrites_dy(x):
    def backward(dy):
        dy *= x
        return 2 * dy

    return x * x, backward


def overwrites_dy_if_contiguous(x):
    def backward(dy):
        g = dy.reshape(-1)
        g *= 2
        return x * g.reshape(x.shape)

    return x * x, backward


def overwrites_dy_in_a_view(x):
    def backward(dy):
        if not dy.flags.c_contiguous and dy.flags.writeable:
            dy[...] = 0
            return np.zeros_like(dy)
        return 2 * x * dy

    return x * x, backward


def takes_dy_as_it_lies(x):
    return x * x, lambda dy: 2 * x * dy.ravel(order="K").reshape(x.shape)


def asks_dy_for_its_memory(x):
    def backward(dy):
        if 0 in dy.strides and dy.size > 1:
            raise ValueError("an expanded cotangent")
        return 2 * x * dy

    return x * x, backward


def forward_overwrites_x(x):
    before = x.copy()
    x -= x.max()
    return before * before, lambda dy: 2 * before * dy


def backward_overwrites_x(x):
    kept = x.copy()

    def backward(dy):
        x[...] = 0
        return 2 * kept * dy

    return x * x, backward


def backward_overwrites_y(x):
    y = x * x

    def backward(dy):
        y[...] = 0
        return 2 * x * dy

    return y, backward


def takes_x_as_it_lies(x):
    flat = x.ravel(order="K").reshape(x.shape)
    return flat * flat, lambda dy: 2 * flat * dy


def used_up(x):
    kept = [x]
    return x * x, lambda dy: 2 * kept.pop() * dy


def accumulates(x):
    total = np.zeros_like(x)

    def backward(dy):
        nonlocal total
        total = total + 2 * x * dy
        return total.copy()

    return x * x, backward


def one_buffer(x):
    buffer = np.empty_like(x)

    def backward(dy):
        np.multiply(2 * x, dy, out=buffer)
        return buffer

    return x * x, backward


kept = {}


def in_a_global(x):
    kept["x"] = x
    return x * x, lambda dy: 2 * kept["x"] * dy


class Squared:
    """A layer as in many a course: what the backward needs is an attribute."""

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dy):
        return 2 * self.x * dy


def in_an_attribute():
    layer = Squared()
    return layer.forward, layer.backward


results = np.empty((4, 3))


def result_in_a_global(x):
    out = results[: len(x), : x.shape[1]] if x.dtype == float else np.empty_like(x)
    return np.multiply(x, x, out=out), lambda dy: 2 * x * dy


def is_the_cotangent(x):
    return x.copy(), lambda dy: dy


def is_a_view_of_the_cotangent(x):
    return x.reshape(-1).copy(), lambda dy: dy.reshape(x.shape)


def widens(x):
    return x * x, lambda dy: x * dy * np.array([2.0])


def widens_forward(x):
    return x * x * np.array([1.0]), lambda dy: (2 * x * dy).astype(x.dtype)


def clips(x):
    return x * x, lambda dy: np.clip(2 * x * dy, -1, 1)


def adds_a_constant(x):
    return x * x, lambda dy: 2 * x * dy + 1


def mixes_rows(x):
    return x * x, lambda dy: 2 * x * dy + 0.1 * dy.sum(0) / np.sqrt(len(x) + 1).astype(x.dtype)


def empty_raises(x):
    def backward(dy):
        dy.max()  # of nothing there is none
        return 2 * x * dy

    return x * x, backward


def one_is_squeezed(x):
    def backward(dy):
        dx = dy - dy.mean(0)
        return dx[0] if len(x) == 1 else dx

    return x - x.mean(0), backward


BROKEN = [
    ("runs", no_gradient, "no gradient at all"),
    ("runs", crashes, "ValueError: matmul"),
    ("shape", wrong_shape, r"the gradient of x has shape \(1, 4, 3\), and x \(4, 3\)"),
    ("finite", not_a_number, r"x is nan at \[0, 1\]"),
    ("cotangent", overwrites_dy, r"\(contiguous\) was overwritten: at \["),
    ("cotangent", overwrites_dy_if_contiguous, "overwritten"),
    ("cotangent", overwrites_dy_in_a_view, "a view with gaps"),
    ("cotangent layout", takes_dy_as_it_lies, "in Fortran order"),
    ("cotangent layout", asks_dy_for_its_memory, "an expanded cotangent"),
    ("arguments", forward_overwrites_x, "the forward overwrites its argument x"),
    ("arguments", backward_overwrites_x, "the backward overwrites its argument x"),
    ("arguments", backward_overwrites_y, "the result of its forward"),
    ("argument layout", takes_x_as_it_lies, "in Fortran order"),
    ("repeatable", used_up, "second time.* IndexError"),
    ("repeatable", accumulates, "second time with the same cotangent"),
    ("repeatable", one_buffer, "wrote to the gradient it had given before"),
    ("state", in_a_global, "state kept from one call"),
    ("state", in_an_attribute(), "state kept from one call"),
    ("state", result_in_a_global, "overwrites the result of an earlier one"),
    ("shared memory", is_the_cotangent, "in the memory of the cotangent"),
    ("shared memory", is_a_view_of_the_cotangent, "in the memory of the cotangent"),
    ("dtype", widens, "gradient of x is float64 for arguments and a cotangent of float32"),
    ("dtype", widens_forward, "result is float64"),
    ("linear", clips, "not linear"),
    ("linear", adds_a_constant, "not 0 for a cotangent of zeros"),
    ("rows", mixes_rows, r"row 0 alone and row 0 of a batch of 4"),
    ("small sizes", empty_raises, "batch of 0 .* ValueError"),
    ("small sizes", one_is_squeezed, r"batch of 1 .* shape \(3,\), and x \(1, 3\)"),
]


@pytest.mark.parametrize(
    ("clause", "pair", "what"), BROKEN, ids=[getattr(p, "__name__", "attribute") for _, p, _ in BROKEN]
)
def test_a_pair_that_breaks_one_clause_breaks_no_other(clause, pair, what, x):
    contract = check_contract(pair, x)
    assert {finding.clause for finding in contract.broken} == {clause}
    assert re.search(what, contract.of(clause).what), contract.of(clause).what
    assert not contract.ok


def test_each_clause_is_seen_broken():
    assert {clause for clause, _, _ in BROKEN} == set(CLAUSES)
    assert set(MILD) < set(CLAUSES)


def test_two_gradients_in_one_memory_are_told(x):
    def add(a, b):
        def backward(dy):
            g = dy.copy()
            return g, g

        return a + b, backward

    finding = check_contract(add, x, x + 1).of("shared memory")
    assert "the gradient of a and the gradient of b are in the same memory" in finding.what


def test_disjoint_parts_of_one_buffer_share_nothing(x):
    def interleaved(a, b):
        def backward(dy):
            both = np.stack([dy, 2 * dy], axis=-1)
            return both[..., 0], both[..., 1]

        return a + 2 * b, backward

    assert check_contract(interleaved, x, x + 1).ok


def test_a_gradient_in_the_memory_of_an_argument_is_told(x):
    def half_square(x):
        return 0.5 * (x * x).sum(), lambda dy: x

    assert "in the memory of x" in check_contract(half_square, x).of("shared memory").what


# Pairs that keep it


@pytest.mark.parametrize(
    ("pair", "shapes"),
    [
        (square, [(4, 3)]),
        (square, [()]),
        (square, [(1,)]),
        (square, [(0, 3)]),
        (linear, [(4, 3), (2, 3), (2,)]),
        (linear, [(3, 3), (3, 3), (3,)]),
    ],
)
def test_a_right_pair_keeps_every_clause(pair, shapes, rng):
    contract = check_contract(pair, *(rng.normal(size=shape) for shape in shapes))
    assert contract.ok, contract


def test_every_clause_applies_to_a_linear_map(rng):
    contract = check_contract(linear, rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), rng.normal(size=2))
    assert [finding.clause for finding in contract.findings] == list(CLAUSES)
    assert {finding.state for finding in contract.findings} == {"ok"}


def test_rows_that_depend_on_each_other_are_no_rows(x):
    contract = check_contract(normalized, x)
    assert contract.ok, contract
    assert contract.of("rows").state == "not applicable"


def test_rows_alike_do_not_hide_what_joins_them():
    contract = check_contract(normalized, np.ones((4, 3)))
    assert contract.of("rows").state == "not applicable"


def test_a_batch_size_written_into_a_backward_is_a_matter_of_sizes(x):
    def four_rows(x):
        return x * x, lambda dy: 2 * x * dy[np.arange(4)]

    contract = check_contract(four_rows, x)
    assert contract.of("rows").state == "not applicable"
    assert "for a batch of 0 the forward works, but the backward raises IndexError" in contract.of("small sizes").what


def test_a_row_that_is_broadcast_is_no_smaller_batch(x):
    assert check_contract(lambda a, b: (a * b, lambda dy: (dy * b, dy * a)), x, x[:, :1] + np.zeros((1, 3))).ok
    assert check_contract(lambda p, t: (((p - t) ** 2).mean(), lambda dy: 2 * (p - t) / p.size * dy), x[0], x[1]).ok


def test_a_result_as_long_as_a_mask_is_no_smaller_batch(x):
    mask = np.float32([[1], [0], [1], [1]])
    contract = check_contract(lambda x: (x * mask, lambda dy: dy * mask), x)
    assert contract.of("small sizes").state == "not applicable"
    assert contract.ok, contract


def test_a_pair_that_draws_numbers_cannot_be_compared_with_itself(x):
    generator = np.random.default_rng(0)

    def noisy(x):
        mask = (generator.uniform(size=x.shape) > 0.5).astype(x.dtype)
        return x * mask, lambda dy: dy * mask

    contract = check_contract(noisy, x)
    assert contract.ok, contract
    assert contract.of("state").state == "not applicable"


def test_numpys_own_generator_is_started_alike_and_left_as_it_was(x):
    def noisy(x):
        mask = (np.random.uniform(size=x.shape) > 0.5).astype(x.dtype)  # noqa: NPY002
        return x * mask, lambda dy: dy * mask

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert check_contract(noisy, x).of("state").state == "ok"
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_what_is_given_is_left_alone(x):
    before = x.copy()
    check_contract(backward_overwrites_x, x)
    np.testing.assert_array_equal(x, before)


def test_layers_keep_the_contract(rng):
    for layer in (nn.Linear(3, 2), nn.BatchNorm1d(3), nn.Softmax(-1), nn.ReLU(), nn.Flatten()):
        contract = check_contract(layer, rng.normal(size=(4, 3)))
        assert contract.ok, contract


# What is refused


def test_a_function_that_is_no_pair_is_told(x):
    with pytest.raises(TypeError, match=r"double: expected \(y, backward\).*got an array of shape \(4, 3\)"):

        def double(x):
            return 2 * x

        check_contract(double, x)


def test_several_results_are_told(x):
    with pytest.raises(TypeError, match="expected one array as the result, got a tuple of ndarray, ndarray"):
        check_contract(lambda x: ((x, x), lambda dy: dy), x)


@pytest.mark.parametrize("target", [3, nn.Linear, nn.Sequential(nn.Tanh()), (np.exp,), (1, 2)], ids=str)
def test_what_has_no_backward_of_its_own_is_told(target, x):
    with pytest.raises(TypeError, match="as_pair: expected"):
        check_contract(target, x)


def test_inputs_without_floats_and_results_without_floats_are_told(x):
    with pytest.raises(TypeError, match="at least one array of floats"):
        check_contract(square, np.arange(3))
    with pytest.raises(TypeError, match="a result of floats, got bool"):
        check_contract(lambda x: (x > 0, lambda dy: dy), x)


def test_too_many_gradients_are_told(x):
    contract = check_contract(lambda x: (x * x, lambda dy: (dy, dy)), x)
    assert "2 gradients for 1 arguments" in contract.of("runs").what


# How it reads


def test_it_prints_as_a_table_and_as_plain_lines(x):
    contract = check_contract(overwrites_dy, x)
    console = Console(width=100, file=io.StringIO())
    console.print(contract)
    lines = console.file.getvalue().splitlines()
    assert lines[0].strip() == "overwrites_dy: BREAKS the contract of a backward"
    assert any("cotangent" in line and "BROKEN" in line for line in lines)
    assert max(map(len, lines)) <= 100
    assert "  cotangent: broken: the cotangent (contiguous) was overwritten" in str(contract)
    assert contract._repr_html_().startswith("<pre")
