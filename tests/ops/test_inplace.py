"""Overwriting values: on bases, on views, through what shares the memory; held against PyTorch and differences."""

import functools
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.table_inplace import ALLOWED, REFUSED, STRICTER, WIDER, H

# Random programs


def views(t):
    """The ways to look at a part of a tensor, as (name, function) that mean the same in both libraries."""
    found = [
        ("alias", lambda x: x[...]),
        ("tail", lambda x: x[1:]),
        ("row", lambda x: x[0]),
        ("none", lambda x: x[None]),
        ("one of several", lambda x: x.split(2)[-1]),
    ]
    if t.ndim >= 2:
        found += [
            ("column", lambda x: x[:, -1]),
            ("T", lambda x: x.transpose(0, 1)),
            ("diagonal", lambda x: x.diagonal(0, 0, 1)),
            ("every other", lambda x: x[:, ::2]),
        ]
    if t.is_contiguous() and t.numel():
        found += [("flat", lambda x: x.view(-1)), ("reshape", lambda x: x.reshape(1, -1))]
    return found


@functools.cache
def tripling(lib):
    """A function of the user's own that overwrites its argument."""

    class Tripling(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(3)

        @staticmethod
        def backward(ctx, dy):
            return 3 * dy

    return Tripling


WRITES = (
    lambda x, y, c: x.mul_(0.5),
    lambda x, y, c: x.add_(c),
    lambda x, y, c: x.mul_(c),
    lambda x, y, c: x.sin_(),
    lambda x, y, c: x.exp_(),
    lambda x, y, c: x.sub_(y.sum() * 0.1),
    lambda x, y, c: x.mul_(x),
    lambda x, y, c: x.zero_(),
    lambda x, y, c: x.fill_(0.7),
    lambda x, y, c: x.copy_(c * 2),
    lambda x, y, c: x.__setitem__(0, c),
    lambda x, y, c: x.__setitem__(slice(1, None), 0.2),
    lambda x, y, c: x.__setitem__(Ellipsis, y.mean() * c),
    lambda x, y, c: x.clamp_(-1.0371, 0.9137),
    lambda x, y, c: x.div_(2 + c * c),
    lambda x, y, c: x.tanh_(),
    lambda x, y, c: tripling(sys.modules[type(x).__module__.split(".")[0]]).apply(x),
)
READS = (
    lambda x, y, c: x * 0.5,
    lambda x, y, c: x * x * 0.3,
    lambda x, y, c: x.sin() + y.mean(),
    lambda x, y, c: x.exp() * 0.1,
    lambda x, y, c: x.clone(),
)


def run(h, zeros, program):
    """Run a program of views, writes and reads; a scalar that depends on every tensor it made."""
    c = h[0, 1]
    tensors = [h * 1.0, zeros(3, 4)]
    for kind, first, second, which in program:
        x, y = tensors[first % len(tensors)], tensors[second % len(tensors)]
        if not (x.numel() and y.numel()) or x.ndim == 0:
            continue
        if kind == "view":
            choices = views(x)
            tensors.append(choices[which % len(choices)][1](x))
        elif kind == "write":
            WRITES[which % len(WRITES)](x, y, c)
        else:
            tensors.append(READS[which % len(READS)](x, y, c))
    total = 0.0
    for k, t in enumerate(tensors):
        total = total + (t * t * 0.1 + t).sum() * (0.5 + k)
    return total


steps = st.tuples(st.sampled_from(["view", "view", "write", "write", "read"]), *[st.integers(0, 63)] * 3)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # a program may exponentiate again and again
@given(program=st.lists(steps, min_size=1, max_size=10))
def test_programs_of_views_writes_and_reads_have_the_gradient_of_what_they_compute(torch, program):
    def value(h):
        with tg.no_grad():
            return run(tg.tensor(h), lambda *s: tg.zeros(*s, dtype=tg.float64), program).item()

    # PyTorch refuses more: it keeps no copy of what y.mul_(y) overwrites, and takes a view for a leaf if its base has
    # got a history since (2.13). There differences are the judge.
    reference = torch.tensor(H, requires_grad=True)
    try:
        result = run(reference, lambda *s: torch.zeros(*s, dtype=torch.float64), program)
        result.backward()
    except RuntimeError:
        reference = None
    h = tg.tensor(H, requires_grad=True)
    out = run(h, lambda *s: tg.zeros(*s, dtype=tg.float64), program)
    try:
        out.backward()
    except RuntimeError as error:
        assert reference is None, f"refused what PyTorch computes: {error}"
        assert "overwritten by an in-place operation" in str(error)
        return
    if reference is not None:
        np.testing.assert_allclose(out.item(), result.item(), rtol=1e-12)
        np.testing.assert_allclose(h.grad.numpy(), reference.grad.numpy(), rtol=1e-11, atol=1e-11)
        return
    if not np.isfinite(out.item()) or abs(out.item()) > 1e6:
        return  # differences say nothing there
    direction = np.cos(np.arange(12.0)).reshape(3, 4)
    step = 1e-5
    slope = (value(H + step * direction) - value(H - step * direction)) / (2 * step)
    found = (h.grad.numpy() * direction).sum()
    # Central differences: step² times a third derivative, and rounding / step.
    assert abs(found - slope) <= 1e-5 * (1 + np.abs(h.grad.numpy()).sum())


def both(torch, program, *shapes):
    """The gradients of a program in both libraries."""
    arrays = [np.linspace(0.5, 1.5, int(np.prod(s))).reshape(s) for s in shapes]
    ours = [tg.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    for library, leaves in ((tg, ours), (torch, theirs)):
        program(library, *leaves).backward()
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12)


def test_writing_to_a_base_reaches_its_live_views(torch):
    def program(lib, h):
        base = h * 2
        row, column, flat = base[0], base[:, 1], base.view(-1)
        base.mul_(3)
        return row.sum() + (column * column).sum() + flat[5]

    both(torch, program, (3, 4))


def test_writing_to_a_view_reaches_its_base_and_the_other_views(torch):
    def program(lib, h):
        base = h * 2
        other = base[1:]
        view = base[1]
        view.mul_(h[0])
        return (base * base).sum() + (other * 3).sum()

    both(torch, program, (3, 4))


def test_writing_to_a_view_of_a_view_of_a_view(torch):
    def program(lib, h):
        base = h * 1
        view = base.transpose(0, 1)[1:][:, 0]
        view.exp_()
        return (base * base).sum() + view.sum()

    both(torch, program, (3, 4))


def test_writing_recorded_values_into_an_untracked_buffer(torch):
    def program(lib, h):
        buffer = lib.zeros(2, 4, dtype=lib.float64)
        early = buffer[1]
        buffer[0] = h[0] * 2
        buffer[1].copy_(h[1])
        return (early * early).sum() + buffer.sum()

    both(torch, program, (3, 4))


def test_a_loop_that_fills_columns_from_the_columns_before(torch):
    def program(lib, h):
        out = lib.zeros(3, 5, dtype=lib.float64)
        out[:, 0] = h[:, 0]
        for i in range(1, 5):
            out[:, i] = out[:, i - 1].clone() * h[:, i % 4] + 1
        return (out * out).sum()

    both(torch, program, (3, 4))


def test_adding_to_a_reshaped_view(torch):
    def program(lib, h, y):
        base = h * 2
        view = base.reshape(12)
        view += y
        view *= 2
        return (base * base).sum()

    both(torch, program, (3, 4), (12,))


def test_a_write_through_an_index_of_arrays_and_a_mask(torch):
    def program(lib, h, v):
        x = h * 2
        x[lib.tensor([2, 0]), 1] = v[:2]
        x[:, lib.tensor([True, False, False, True])] = v[2]
        x[0, lib.tensor([1, 2])] *= 3
        return (x * x).sum()

    both(torch, program, (3, 4), (3,))


def test_setitem_takes_int_and_array_in_pytorchs_order(torch):
    def program(lib, h, v):
        x = h.clone()
        x[0, :, lib.tensor([1, 2])] = v
        return (x * x).sum()

    both(torch, program, (2, 3, 4), (3, 2))


def test_setitem_broadcasts_and_sums_the_cotangent(torch):
    def program(lib, h, v):
        x = h * 1
        x[1:] = v
        x[0] = v.view(1, 1, 4)[..., :4]
        return (x * x).sum()

    both(torch, program, (3, 4), (4,))


def test_the_last_of_several_values_for_one_element_gets_the_cotangent():
    v = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = tg.zeros(4)
    x[[1, 1, 2]] = v
    np.testing.assert_array_equal(x.detach().numpy(), [0, 2, 3, 0])
    x.sum().backward()
    np.testing.assert_array_equal(v.grad.numpy(), [0, 1, 1])


def test_second_derivatives_pass_through_writes(torch):
    def program(lib, h):
        x = h * 2
        x[0] = h[1] * h[2]
        x[:, 1].mul_(h[:, 0])
        return (x * x * x).sum()

    h, k = tg.tensor(H, requires_grad=True), torch.tensor(H, requires_grad=True)
    program(tg, h).backward(create_graph=True)
    (first,) = torch.autograd.grad(program(torch, k), k, create_graph=True)
    g = h.grad
    h.grad = None
    (g * g).sum().backward()
    (first * first).sum().backward()
    np.testing.assert_allclose(h.grad.numpy(), k.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("add_", (0.5,)), ("sub_", (0.5,)), ("mul_", (1.5,)), ("div_", (2.0,)), ("pow_", (3,)), ("neg_", ()), ("abs_",
        ()),
        ("exp_", ()), ("log_", ()), ("sqrt_", ()), ("square_", ()), ("reciprocal_", ()), ("sin_", ()), ("cos_", ()),
        ("tanh_", ()), ("sigmoid_", ()), ("relu_", ()), ("clamp_", (0.6, 1.2)), ("tril_", ()), ("triu_", (1,)),
        ("masked_fill_", ("mask", 0.25)), ("index_add_", (1, "index", "source")), ("index_copy_", (1, "index",
        "source")),
        ("index_fill_", (1, "index", 0.25)), ("scatter_", (1, "places", "source")), ("scatter_add_", (1, "places",
        "source")),
        ("lerp_", ("same", 0.3)), ("fill_", (0.25,)), ("zero_", ()), ("copy_", ("same",)),
    ],
)  # fmt: skip
def test_twins_give_pytorchs_values_and_gradients(torch, name, arguments):
    given_by_name = {
        "mask": np.arange(12).reshape(3, 4) % 3 == 0,
        "index": np.array([3, 0]),
        "source": np.linspace(1, 2, 6).reshape(3, 2),
        "places": np.array([[0, 2], [1, 3], [3, 0]]),
        "same": np.linspace(2, 3, 12).reshape(3, 4),
    }

    def program(lib, h):
        x = h * 1
        before = x[0]
        taken = [lib.tensor(given_by_name[a]) if isinstance(a, str) else a for a in arguments]
        result = getattr(x, name)(*taken)
        assert result is x
        return (x * x).sum() + before.sum()

    both(torch, program, (3, 4))


# The table of what PyTorch refuses and allows


def outcome(lib, program):
    """A program's number and its gradient; or where it was refused, and the error. The leaf is intact then."""
    h = lib.tensor(H, requires_grad=True)
    stage = "forward"
    try:
        y = program(lib, h)
        stage = "backward"
        y.backward()
    except Exception as error:
        assert h.grad is None or h.grad.shape == h.shape
        return stage, error
    return y.item(), h.grad.numpy()


def computed(found):
    assert isinstance(found[0], float), found
    return found


def rows(table):
    return [pytest.param(*row, id=row[0].__name__) for row in table]


@pytest.mark.parametrize(("program", "words"), rows(REFUSED))
def test_what_torch_refuses_is_refused_at_the_same_place_and_says_why(torch, program, words):
    stage, error = outcome(tg, program)
    expected, reason = outcome(torch, program)
    assert isinstance(reason, RuntimeError | TypeError)
    assert stage == expected, error
    assert isinstance(error, type(reason))
    assert re.search(words, str(error)), error


@pytest.mark.parametrize("program", [pytest.param(row, id=row.__name__) for row in ALLOWED])
def test_what_torch_allows_has_its_value_and_gradient(torch, program):
    value, gradient = computed(outcome(tg, program))
    expected, reference = computed(outcome(torch, program))
    np.testing.assert_allclose(value, expected, rtol=1e-6)  # float32 in some rows
    np.testing.assert_allclose(gradient, reference, rtol=1e-6)


@pytest.mark.parametrize(("program", "out_of_place"), rows(WIDER))
def test_what_torch_alone_refuses_has_the_gradient_of_what_it_computes(torch, program, out_of_place):
    assert isinstance(outcome(torch, program)[1], RuntimeError)
    value, gradient = computed(outcome(tg, program))
    expected, reference = computed(outcome(torch, out_of_place))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, reference, rtol=1e-12)


@pytest.mark.parametrize(("program", "words"), rows(STRICTER))
def test_what_is_refused_here_alone_says_why(torch, program, words):
    computed(outcome(torch, program))
    error = outcome(tg, program)[1]
    assert isinstance(error, RuntimeError) and re.search(words, str(error)), error


# What is refused


@pytest.mark.parametrize(
    "write", [lambda x: x.mul_(2), lambda x: x.__setitem__(0, 1.0), lambda x: x.fill_(0), lambda x: x.zero_()]
)
@pytest.mark.parametrize("take", [lambda x: x, lambda x: x[0], lambda x: x.T[1:], lambda x: x.view(-1)])
def test_a_leaf_and_its_views_are_not_overwritten_while_recording(write, take):
    x = tg.ones(2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf that requires grad"):
        write(take(x))
    np.testing.assert_array_equal(x.detach().numpy(), np.ones((2, 2)))


def test_a_leaf_is_overwritten_under_no_grad_also_through_a_view():
    x = tg.ones(2, 2, requires_grad=True)
    row = x[0]
    with tg.no_grad():
        x -= 0.5
        x[0].mul_(2)
        x.view(-1)[3] = 7
        row.add_(1)
    np.testing.assert_array_equal(x.detach().numpy(), [[2, 2], [0.5, 7]])
    assert x.is_leaf
    assert x.requires_grad


@pytest.mark.parametrize(
    "take", [lambda x: x.expand(3, 2), lambda x: tg.broadcast_to(x, (3, 2)), lambda x: x.expand(3, 2)[0]]
)
def test_elements_that_share_a_place_are_not_overwritten(take):
    x = tg.ones(2)
    with pytest.raises(RuntimeError, match="mul_: several elements of this tensor share one place in memory"):
        take(x).mul_(2)
    with pytest.raises(RuntimeError, match="share one place"):
        tg.windows(tg.ones(5), (2,)).zero_()


def test_a_new_dimension_shares_no_places():
    x = tg.zeros(3)
    x[None].add_(1)
    np.testing.assert_array_equal(x.numpy(), [1, 1, 1])


def test_a_view_taken_under_no_grad_is_not_written_to_in_a_recorded_way():
    h = tg.ones(3, requires_grad=True)
    tracked, buffer = h * 1, tg.zeros(2, 3)
    with tg.no_grad():
        of_tracked, of_leaf, of_buffer = tracked[1:], h[1:], buffer[0]
    for view, write in (
        (of_tracked, lambda v: v.mul_(2)),
        (of_tracked, lambda v: v.zero_()),
        (of_buffer, lambda v: v.add_(h)),
        (of_buffer, lambda v: v.__setitem__(0, h[0])),
    ):
        before = view.numpy().copy()
        with pytest.raises(RuntimeError, match=r"view that was taken under no_grad\(\)"):
            write(view)
        np.testing.assert_array_equal(view.numpy(), before)
    with pytest.raises(RuntimeError, match="leaf that requires grad"):
        of_leaf.mul_(2)
    of_buffer.add_(2)
    np.testing.assert_array_equal(buffer.numpy(), [[2, 2, 2], [0, 0, 0]])


def test_a_view_taken_under_no_grad_is_not_read_after_its_base_got_a_history():
    h = tg.ones(3, requires_grad=True)
    buffer = tg.zeros(2, 3)
    with tg.no_grad():
        view = buffer[0]
    buffer[0] = h * 2
    with pytest.raises(RuntimeError, match=r"taken under no_grad\(\), and its base was overwritten"):
        (view * 1).sum()
    with tg.no_grad():
        later = buffer[0]
    assert not later.requires_grad


def test_a_twin_refuses_another_shape_or_kind_and_changes_nothing(torch):
    x = tg.ones(3)
    with pytest.raises(tg.ShapeError, match=r"add_: a tensor of shape \(3,\) cannot hold the result of shape \(2, 3\)"):
        x.add_(tg.ones(2, 3))
    k = tg.ones(3, dtype=tg.int64)
    with pytest.raises(tg.DtypeError, match="add_: a tensor of dtype int64 cannot hold the result of dtype float32"):
        k.add_(1.5)
    with pytest.raises(tg.DtypeError, match="div_"):
        k /= 2
    np.testing.assert_array_equal(k.numpy(), [1, 1, 1])
    small = tg.zeros(2, dtype=tg.uint8)
    small.add_(tg.ones(2, dtype=tg.int64))
    assert small.dtype == tg.uint8
    single = tg.zeros(2).add_(tg.ones(2, dtype=tg.float64))
    assert single.dtype == torch.zeros(2).add_(torch.ones(2).double()).numpy().dtype


def test_setitem_refuses_values_that_do_not_broadcast():
    x = tg.ones(3, 4)
    with pytest.raises(
        tg.ShapeError, match=r"setitem: values of shape \(2, 4\) do not broadcast to the indexed part, \(4,\)"
    ):
        x[0] = tg.ones(2, 4)
    with pytest.raises(tg.ShapeError, match="setitem"):
        x[0] = tg.ones(2, 4, requires_grad=True)
    with pytest.raises(IndexError, match="out of bounds"):
        x[3] = 0
    np.testing.assert_array_equal(x.numpy(), np.ones((3, 4)))


def test_setitem_converts_to_the_tensors_dtype(torch):
    for lib in (tg, torch):
        x = lib.zeros(3, dtype=lib.int64)
        x[0] = 2.7
        x[1:] = lib.tensor([1.5, -2.5])
        np.testing.assert_array_equal(x.numpy(), [2, 1, -2])
        y = lib.zeros(2, dtype=lib.float32)
        v = lib.tensor([0.1, 0.2], dtype=lib.float64, requires_grad=True)
        y[:] = v
        y.sum().backward()
        assert y.dtype == lib.float32
        assert v.grad.dtype == lib.float64


# Kept values


STALE = (
    "needs {what} of shape {shape} float32, but it was overwritten by an in-place operation after {name!r} had kept it"
)


@pytest.mark.parametrize(
    "overwrite",
    [
        lambda x, view: x.add_(1),
        lambda x, view: view.add_(1),
        lambda x, view: x.detach().add_(1),
        lambda x, view: x.__setitem__(0, 5.0),
        lambda x, view: x.view(-1).zero_(),
        lambda x, view: x.copy_(tg.zeros(2)),
    ],
)
def test_a_kept_operand_that_was_overwritten_is_an_error_that_names_the_operation(overwrite):
    h = tg.ones(2, requires_grad=True)
    x = h * 2
    view = x[:1]
    y = x * h
    overwrite(x, view)
    with pytest.raises(RuntimeError, match=re.escape(STALE.format(what="an operand", shape=(2,), name="mul"))):
        y.sum().backward()
    assert h.grad is None


def test_a_kept_result_that_was_overwritten_is_an_error_that_names_the_operation():
    h = tg.ones(2, requires_grad=True)
    y = h.exp()
    loss = y.sum()
    y.detach().mul_(2)
    with pytest.raises(RuntimeError, match=re.escape(STALE.format(what="its result", shape=(2,), name="exp"))):
        loss.backward()
    y = h.exp()
    view = y[:1]
    loss = y.sum()
    with tg.no_grad():
        view.zero_()
    with pytest.raises(RuntimeError, match="backward of 'exp' needs its result"):
        loss.backward()


def test_an_operand_in_a_list_that_was_overwritten_is_an_error():
    h = tg.ones(2, requires_grad=True)
    x = h * 2
    y = tg.einsum("i,i->", x, h)
    x.add_(1)
    with pytest.raises(RuntimeError, match="backward of 'contract' needs an operand"):
        y.backward()


def test_a_mask_that_was_overwritten_is_an_error():
    h = tg.ones(2, requires_grad=True)
    mask = tg.tensor([True, False])
    y = h.masked_fill(mask, 0.0)
    mask.logical_not_() if hasattr(mask, "logical_not_") else mask.fill_(False)
    with pytest.raises(RuntimeError, match="backward of 'masked_fill' needs an operand"):
        y.sum().backward()


def test_an_index_array_may_be_changed_after_it_was_used():
    h = tg.ones(3, requires_grad=True)
    index = np.array([0, 0])
    where = tg.tensor([2])
    y = h[index].sum() + h[where].sum()
    index[:] = 1
    where.fill_(0)
    y.backward()
    np.testing.assert_array_equal(h.grad.numpy(), [2, 0, 1])


def test_overwriting_what_no_rule_keeps_is_allowed(torch):
    def program(lib, h):
        x = h * 2
        y = x + 1
        x.mul_(3)
        z = x.exp_().mul(2)
        return y.sum() + z.sum()

    both(torch, program, (3,))


def test_a_write_to_numpys_view_of_the_memory_is_not_seen():
    # Documented: arrays record nothing and have no clock.
    x = tg.ones(2)
    h = tg.ones(2, requires_grad=True)
    y = (x * h).sum()
    x.numpy()[0] = 5
    y.backward()
    np.testing.assert_array_equal(h.grad.numpy(), [5, 1])


def test_a_tensor_times_itself_in_place_keeps_a_copy_of_what_was_there():
    # PyTorch refuses the backward of this.
    h = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = h * 2
    x.mul_(x)
    x *= x
    x.sum().backward()  # 16 h⁴
    np.testing.assert_array_equal(h.grad.numpy(), [64, 64 * 8, 64 * 27])


def test_detach_shares_memory_and_history_of_writes():
    x = tg.ones(2)
    x.detach().add_(1)
    np.testing.assert_array_equal(x.numpy(), [2, 2])
    assert x.detach().shared_memory() is x.shared_memory()


def test_a_stale_view_is_renewed_before_its_own_backward():
    h = tg.ones(3, requires_grad=True)
    base = h * 1
    view = base[1:]
    base.mul_(5)
    view.backward(tg.ones(2))
    np.testing.assert_array_equal(h.grad.numpy(), [0, 5, 5])


def test_a_stale_view_tells_its_new_history():
    h, buffer = tg.ones(3, requires_grad=True), tg.zeros(3)
    views = [buffer[1:] for _ in range(3)]
    buffer.mul_(h)
    assert views[0].requires_grad
    assert not views[1].is_leaf
    assert views[2].grad_fn.name() == "getitem"


def test_a_view_is_renewed_under_no_grad_as_well():
    h = tg.ones(3, requires_grad=True)
    base = h * 1
    view = base[1:]
    base.mul_(5)
    with tg.no_grad():
        assert view.requires_grad
        view.sum()
    view.sum().backward()
    np.testing.assert_array_equal(h.grad.numpy(), [0, 5, 5])


def test_a_long_chain_of_views_can_be_written_through():
    h = tg.ones(5000, requires_grad=True)
    base = h * 1
    view = base
    for _ in range(4000):
        view = view[1:]
    base.mul_(2)
    view.mul_(3)
    (base.sum() + view.sum()).backward()
    np.testing.assert_array_equal(h.grad.numpy(), [2.0] * 4000 + [12.0] * 1000)
