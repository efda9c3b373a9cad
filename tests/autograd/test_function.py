"""Operations of the user's own against the same classes in PyTorch."""

import collections
import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd import Function, grad
from tinygrad_edu.autograd.function import once_differentiable


def leaf(*values):
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


def both(torch, program):
    """A program in both libraries, which get a Function class each; it returns Tensors, or None."""
    found = []
    for lib in (tg, torch):
        results = program(lib)
        found.append([None if r is None else r.detach().numpy() for r in results])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-13)  # a few roundings


def in_lib(lib, *values):
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def exp_of(lib):
    class Exp(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            (y,) = ctx.saved_tensors
            return dy * y

    return Exp


def test_a_saved_result_gives_all_higher_derivatives(torch):
    def program(lib):
        x = in_lib(lib, 0.3, -0.7)
        y = exp_of(lib).apply(x * x)
        derivatives = []
        for _ in range(3):
            (y,) = lib.autograd.grad(y.sum(), x, create_graph=True)
            derivatives.append(y)
        return derivatives

    both(torch, program)


def poly_of(lib):
    class Poly(lib.autograd.Function):
        """Two results, an option, and an argument without a gradient."""

        @staticmethod
        def forward(ctx, x, power, z):
            ctx.power = power
            ctx.save_for_backward(x, z)
            return x**power * z, z * z

        @staticmethod
        def backward(ctx, dp, dq):
            x, z = ctx.saved_tensors
            dz = dp * x**ctx.power + 2 * dq * z if ctx.needs_input_grad[2] else None
            return dp * ctx.power * x ** (ctx.power - 1) * z, None, dz

    return Poly


@pytest.mark.parametrize("used", ["first", "second", "both"])
@pytest.mark.parametrize("wants_z", [True, False])
def test_several_results_are_one_node(torch, used, wants_z):
    def program(lib):
        x, z = in_lib(lib, 0.3, -0.7), in_lib(lib, 1.5, 0.4)
        p, q = poly_of(lib).apply(x, 3, z if wants_z else z.detach())
        loss = {"first": p.sum() * 2, "second": (q * q).sum() + 0 * x.sum(), "both": (p * q).sum() + p.sum()}[used]
        first = lib.autograd.grad(loss, [x, z], create_graph=True, allow_unused=True)
        second = lib.autograd.grad(sum(g.sum() for g in first if g is not None), [x, z], allow_unused=True)
        return (p, q, *first, *second)

    both(torch, program)


def test_second_derivatives_pass_through_saved_results_of_several():
    class SinCos(Function):
        @staticmethod
        def forward(ctx, x):
            s, c = x.sin(), x.cos()
            ctx.save_for_backward(s, c)
            return s, c

        @staticmethod
        def backward(ctx, ds, dc):
            s, c = ctx.saved_tensors
            return ds * c - dc * s

    x = leaf(0.3, 1.2)
    s = SinCos.apply(x)[0]  # nobody holds the other result
    (first,) = grad(s.sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x, create_graph=True)
    (third,) = grad(second.sum(), x, retain_graph=True)
    # Each of these sweeps made the other result anew, and the last one adds up over both.
    (again,) = grad(s.sum(), x, create_graph=True)
    (doubled,) = grad((first + again).sum(), x, retain_graph=True)
    np.testing.assert_allclose(doubled.numpy(), 2 * second.detach().numpy(), rtol=1e-15)
    for found, expected in ((first, np.cos), (second, lambda v: -np.sin(v)), (third, lambda v: -np.cos(v))):
        np.testing.assert_allclose(found.detach().numpy(), expected(x.detach().numpy()), rtol=1e-15)


@pytest.mark.parametrize("materialize", [True, False])
def test_the_cotangent_of_an_unused_result_is_zeros_or_none(torch, materialize):
    seen = []

    def program(lib):
        class Two(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(materialize)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx, a, b):
                seen.append((a is None, b is None))
                return 2 * a if b is None else 2 * a + 3 * b

        x = in_lib(lib, 1.0, 2.0)
        return lib.autograd.grad(Two.apply(x)[0].sum(), x)

    both(torch, program)
    assert seen == [(False, not materialize)] * 2


def test_a_result_marked_non_differentiable_has_no_history(torch):
    def program(lib):
        class Sorted(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                places = x.argsort()
                scale = x * 0 + 1
                ctx.mark_non_differentiable(places, scale)
                ctx.save_for_backward(places)
                return x[places], places, scale

            @staticmethod
            def backward(ctx, dy, dplaces, dscale):
                (places,) = ctx.saved_tensors
                dx = lib.zeros_like(dy)
                dx[places] = dy
                return dx + dscale

        x = in_lib(lib, 3.0, 1.0, 2.0)
        y, places, scale = Sorted.apply(x)
        assert (y.requires_grad, places.requires_grad, scale.requires_grad) == (True, False, False)
        weights = lib.tensor([1.0, 10.0, 100.0], dtype=lib.float64)
        return (y, places, *lib.autograd.grad((y * weights).sum(), x))

    both(torch, program)


def test_the_form_with_setup_context(torch):
    def program(lib):
        class Square(lib.autograd.Function):
            @staticmethod
            def forward(x, factor):
                return x * x * factor

            @staticmethod
            def setup_context(ctx, inputs, output):
                x, ctx.factor = inputs
                ctx.save_for_backward(x)

            @staticmethod
            def backward(ctx, dy):
                (x,) = ctx.saved_tensors
                return 2 * ctx.factor * x * dy, None

        x = in_lib(lib, 3.0, 1.0)
        return lib.autograd.grad(Square.apply(x, 5).sum(), x)

    both(torch, program)


def test_backward_is_not_recorded_unless_asked():
    modes = []

    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            modes.append(tg.is_grad_enabled())
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            modes.append(tg.is_grad_enabled())
            return 2 * dy

    x = leaf(1.0)
    grad(Double.apply(x), x)
    grad(Double.apply(x), x, create_graph=True)
    assert modes == [False, False, False, True]


def test_once_differentiable_refuses_a_second_derivative():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        @once_differentiable
        def backward(ctx, dy):
            return dy.detach().numpy() * ctx.saved_tensors[0].detach().numpy()

    x = leaf(0.5)
    (first,) = grad(Exp.apply(x), x, create_graph=True)
    assert first.item() == np.exp(0.5)
    with pytest.raises(RuntimeError, match="Exp.*once_differentiable"):
        grad(first, x)


def returning(gradients):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, factor):
            return x * factor

        @staticmethod
        def backward(ctx, dy):
            return gradients(dy)

    return Wrong


@pytest.mark.parametrize(
    "gradients, error, message",
    [
        (lambda g: g, RuntimeError, "expected 2 gradients, .* got 1"),
        (lambda g: (g, None, g), RuntimeError, "expected 2 gradients, .* got 3"),
        (lambda g: (g, g), RuntimeError, r"argument 1 \(factor\) is no Tensor"),
        (lambda g: (g.sum(), None), ValueError, r"gradient 0 \(x\) has shape \(\), its argument has shape \(2,\)"),
        (lambda g: (g.reshape(2, 1), None), ValueError, r"gradient 0 \(x\) has shape \(2, 1\), its argument has"),
        (lambda g: (g.numpy(), None), TypeError, r"expected a Tensor or None as gradient 0 \(x\), got ndarray"),
    ],
)
def test_a_wrong_backward_is_named(gradients, error, message):
    x = leaf(1.0, 2.0)
    with pytest.raises(error, match="Wrong.backward: " + message):
        returning(gradients).apply(x, 3).sum().backward()
    assert x.grad is None
    assert grad(returning(lambda g: (3 * g, None, None)).apply(x, 3).sum(), x)[0].tolist() == [3.0, 3.0]


def test_none_ends_a_gradient():
    x = leaf(1.0, 2.0)
    y = returning(lambda g: (None, None)).apply(x.exp(), 3)
    y.sum().backward()
    assert x.grad is None


def test_saved_values_that_were_overwritten_are_refused():
    for target in ("argument", "result"):
        x = leaf(0.3, 0.7)
        h = x * 1
        y = (exp_of(tg) if target == "result" else poly_first()).apply(h)
        (y if target == "result" else h).detach().zero_()
        with pytest.raises(RuntimeError, match="overwritten"):
            y.sum().backward()


def poly_first():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, dy):
            return 2 * ctx.saved_tensors[0] * dy

    return Square


def test_a_second_backward_says_so_if_values_were_saved():
    x = leaf(0.3)
    y = exp_of(tg).apply(x)
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()
    assert x.grad.item() == 2 * np.exp(0.3)


def test_returning_an_argument_gives_a_tensor_of_its_own(torch):
    def program(lib):
        class Flip(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.view_as(x)

            @staticmethod
            def backward(ctx, dy):
                return -dy

        x = in_lib(lib, 1.0, 2.0)
        y = Flip.apply(x)
        assert y is not x and x.grad_fn is None
        return (y, *lib.autograd.grad((y * y).sum(), x))

    both(torch, program)
    x = leaf(1.0)
    identity = returning(lambda g: (g, None))
    identity.forward = staticmethod(lambda ctx, x, factor: x)
    y = identity.apply(x, 1)
    assert y is not x and y.grad_fn.name() == "Wrong"
    with pytest.raises(RuntimeError):
        y.mul_(2)  # would overwrite the leaf


def test_without_recording_it_is_a_plain_function():
    x = leaf(1.0)
    with tg.no_grad():
        assert not exp_of(tg).apply(x).requires_grad
    assert not exp_of(tg).apply(x.detach()).requires_grad


def test_gradients_are_the_leaf_s_own_memory():
    x, z = leaf(1.0, 2.0), leaf(3.0, 4.0)

    class Constant(Function):
        @staticmethod
        def forward(ctx, x, z):
            ctx.slope = tg.tensor([5.0, 6.0], dtype=tg.float64)
            ctx.save_for_backward(x)
            return (x * z).sum()

        @staticmethod
        def backward(ctx, dy):
            return ctx.slope, ctx.saved_tensors[0]

    y = Constant.apply(x, z)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [10.0, 12.0] and z.grad.tolist() == [2.0, 4.0]
    assert x.tolist() == [1.0, 2.0]


def test_mistakes_in_a_forward_are_named():
    class Array(Function):
        @staticmethod
        def forward(ctx, x):
            return x.detach().numpy()

    class Saves(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)

    with pytest.raises(TypeError, match=r"Array.forward: returned an array"):
        Array.apply(leaf(1.0))
    with pytest.raises(TypeError, match="save_for_backward: expected Tensors or None, got int"):
        Saves.apply(leaf(1.0))


@pytest.mark.parametrize("make", [exp_of, poly_of])
def test_a_graph_with_it_is_freed_without_the_collector(make):
    gc.collect()
    gc.disable()
    try:
        x = leaf(0.3)
        gone = weakref.ref(x)
        y = make(tg).apply(x) if make is exp_of else make(tg).apply(x, 2, x)[0]
        (dy,) = grad(y.sum(), x, create_graph=True)
        del x
        assert gone() is not None
        del y, dy
        assert gone() is None
    finally:
        gc.enable()


# Arguments that a forward overwrites


def overwriting_of(lib, forward, backward, saves=False):
    """A Function that overwrites its first argument, and saves it where asked."""

    class Overwriting(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, *others):
            forward(x, *others)
            ctx.mark_dirty(x)
            if saves:
                ctx.save_for_backward(x)
            return x

        @staticmethod
        def backward(ctx, dy):
            return backward(dy, *ctx.saved_tensors)

    return Overwriting


def test_an_overwritten_argument_is_returned_itself_with_a_new_history(torch):
    def program(lib):
        x = in_lib(lib, 0.3, -0.7)
        double = overwriting_of(lib, lambda x: x.mul_(2), lambda dy: 2 * dy)
        h = x * 1
        assert double.apply(h) is h
        return (h, *lib.autograd.grad((h * h).sum(), x))

    both(torch, program)


def test_the_base_and_the_views_of_an_overwritten_argument_follow(torch):
    def program(lib):
        x = in_lib(lib, 0.3, -0.7, 1.1)
        double = overwriting_of(lib, lambda x: x.mul_(2), lambda dy: 2 * dy)
        h = x * 1
        first, last = h[:1], h[1:]
        double.apply(last)  # h is its base, and has another view
        double.apply(h)
        return (h, *lib.autograd.grad((h * h).sum() + (first * 5).sum() + (last * 7).sum(), x))

    both(torch, program)


def test_a_buffer_gets_a_history_from_what_is_written_to_it(torch):
    def program(lib):
        x, buffer = in_lib(lib, 0.3, -0.7), lib.zeros(2, dtype=lib.float64)
        add = overwriting_of(lib, lambda b, x: b.add_(x), lambda dy: (None, dy))
        add.apply(buffer, x)
        assert buffer.requires_grad
        return (buffer, *lib.autograd.grad((buffer * buffer).sum(), x))

    both(torch, program)


def test_an_overwritten_argument_is_saved_as_the_result(torch):
    def program(lib):
        x = in_lib(lib, 0.3, -0.7)
        exp = overwriting_of(lib, lambda x: x.exp_(), lambda dy, y: dy * y, saves=True)
        (first,) = lib.autograd.grad(exp.apply(x * 1).sum(), x, create_graph=True)
        return (first, *lib.autograd.grad(first.sum(), x))

    both(torch, program)


def test_an_overwritten_argument_that_was_saved_is_freed_without_the_collector():
    exp = overwriting_of(tg, lambda x: x.exp_(), lambda dy, y: dy * y, saves=True)
    gc.collect()
    gc.disable()
    try:
        h = leaf(0.3, -0.7) * 1
        gone = weakref.ref(h)
        y = exp.apply(h).sum()
        del h
        assert gone() is None  # the node keeps its result, not its Tensor
        y.backward()
    finally:
        gc.enable()


def test_an_array_that_was_overwritten_and_marked_dirty_makes_kept_values_stale():
    def through_the_array(x):
        x.detach().numpy()[...] = 0

    x = leaf(0.3, -0.7)
    h = x * 1
    y = (h * h).sum()
    overwriting_of(tg, through_the_array, lambda dy: 0 * dy).apply(h)
    with pytest.raises(RuntimeError, match="'mul' needs an operand.*overwritten"):
        y.backward()


def test_without_recording_an_overwritten_leaf_is_returned_itself():
    x = leaf(0.3, -0.7)
    with tg.no_grad():
        assert overwriting_of(tg, lambda x: x.zero_(), lambda dy: dy).apply(x) is x
    assert x.is_leaf and x.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (lambda x: x, "Overwriting, mark_dirty: this tensor is a leaf that requires grad"),
        (lambda x: x[:1], "Overwriting, mark_dirty: this tensor is a view of a leaf that requires grad"),
    ],
)
def test_a_leaf_and_its_views_are_not_overwritten(torch, argument, words):
    for lib in (tg, torch):
        double = overwriting_of(lib, lambda x: x.mul_(2), lambda dy: 2 * dy)
        with pytest.raises(RuntimeError, match=words if lib is tg else "leaf Variable that requires grad"):
            double.apply(argument(in_lib(lib, 1.0, 2.0)))


def test_mistakes_about_overwritten_arguments_are_named(torch):
    def marking(lib, mark, result=lambda x: x):
        def forward(ctx, x):
            mark(ctx, x)
            return result(x)

        mine = type("Mine", (lib.autograd.Function,), {"forward": staticmethod(forward)})
        return mine.apply(in_lib(lib, 1.0, 2.0) * 1)

    for lib in (tg, torch):
        with pytest.raises(RuntimeError, match="marked .*dirty.* not returned"):
            marking(lib, lambda ctx, x: ctx.mark_dirty(x), lambda x: x * 2)
        for name in ("mark_dirty", "mark_non_differentiable"):
            with pytest.raises(TypeError if lib is tg else RuntimeError, match=name):
                marking(lib, lambda ctx, x, name=name: getattr(ctx, name)(3))
    with pytest.raises(RuntimeError, match="Mine.forward: .* marked dirty and non-differentiable"):
        marking(tg, lambda ctx, x: (ctx.mark_dirty(x), ctx.mark_non_differentiable(x)))


def test_what_a_forward_returns_may_be_overwritten_unless_it_is_a_view(torch):
    def program(lib):
        x = in_lib(lib, 0.3, -0.7)
        y = poly_of(lib).apply(x, 2, x)[1]
        y.mul_(3)
        y[:1].add_(1)
        return (y, *lib.autograd.grad((y * y).sum(), x))

    both(torch, program)
    for lib in (tg, torch):
        for result in (lambda x: x, lambda x: x.view_as(x), lambda x: (x[:1], x[1:])):
            mine = type("Mine", (lib.autograd.Function,), {"forward": staticmethod(lambda ctx, x, f=result: f(x))})
            y = mine.apply(in_lib(lib, 1.0, 2.0) * 1)
            words = "a view that Mine.forward has returned of its argument" if lib is tg else "view"
            with pytest.raises(RuntimeError, match=words):
                (y[0] if isinstance(y, tuple) else y).mul_(2)


# Arguments and results


def test_arguments_by_keyword_take_their_places(torch):
    def program(lib):
        class Scaled(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor=2, offset=None):
                ctx.factor = factor
                return x * factor if offset is None else x * factor + offset

            @staticmethod
            def backward(ctx, dy):
                return (dy * ctx.factor, None, dy)[: len(ctx.needs_input_grad)]

        x, z = in_lib(lib, 0.3, -0.7), in_lib(lib, 1.5, 0.4)
        found = []
        for y in (Scaled.apply(x), Scaled.apply(x, factor=3), Scaled.apply(x, 3, offset=z), Scaled.apply(x=x)):
            found += [y, *lib.autograd.grad((y * y).sum(), [x, z], allow_unused=True)]
        return found

    both(torch, program)


def test_setup_context_gets_defaults_and_keywords_in_order(torch):
    def program(lib):
        class Scaled(lib.autograd.Function):
            @staticmethod
            def forward(x, factor=2, offset=0.0):
                return x * factor + offset

            @staticmethod
            def setup_context(ctx, inputs, output):
                assert len(inputs) == len(ctx.needs_input_grad) == 3
                _, ctx.factor, _ = inputs

            @staticmethod
            def backward(ctx, dy):
                return dy * ctx.factor, None, dy if ctx.needs_input_grad[2] else None

        x, z = in_lib(lib, 0.3, -0.7), in_lib(lib, 1.5, 0.4)
        found = []
        for y in (Scaled.apply(x), Scaled.apply(x, 3), Scaled.apply(x, offset=z)):
            found += [y, *lib.autograd.grad((y * y).sum(), [x, z], allow_unused=True)]
        return found

    both(torch, program)


def test_arguments_that_the_forward_does_not_take_are_refused():
    for call in (lambda f, x: f.apply(x, y=3), lambda f, x: f.apply(x, x=x)):
        with pytest.raises(TypeError, match="keyword|multiple values"):
            call(exp_of(tg), leaf(1.0))

    class Named(Function):
        @staticmethod
        def forward(ctx, x, *, factor):
            return x * factor

    with pytest.raises(TypeError, match=r"Named.forward: \['factor'\] cannot be given by position"):
        Named.apply(leaf(1.0), factor=2)


def test_a_gradient_is_summed_over_what_broadcasting_repeated(torch):
    def program(lib):
        class Mul(lib.autograd.Function):
            @staticmethod
            def forward(ctx, a, b):
                ctx.save_for_backward(a, b)
                return a * b

            @staticmethod
            def backward(ctx, dy):
                a, b = ctx.saved_tensors
                return dy * b, dy * a

        a = lib.tensor([[0.3], [-0.7]], dtype=lib.float64, requires_grad=True)
        b = in_lib(lib, 1.5, 0.4, 2.0)
        y = Mul.apply(a, b)
        first = lib.autograd.grad((y * y).sum(), [a, b], create_graph=True)
        return (*first, *lib.autograd.grad(first[0].sum() + first[1].sum(), [a, b]))

    both(torch, program)


def test_a_gradient_of_another_type_is_converted(torch):
    def program(lib):
        x = in_lib(lib, 1.0, 2.0)
        found = []
        for convert in (lambda g: g.to(lib.float32), lambda g: g.to(lib.int64), lambda g: g > 0):
            mine = type(
                "Mine",
                (lib.autograd.Function,),
                {
                    "forward": staticmethod(lambda ctx, x: x * 2),
                    "backward": staticmethod(lambda ctx, dy, convert=convert: convert(2 * dy)),
                },
            )
            found += lib.autograd.grad(mine.apply(x).sum(), x)
        assert all(g.dtype == lib.float64 for g in found)
        return found

    both(torch, program)


def test_gradients_of_arguments_that_need_none_are_not_looked_at():
    class Mine(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, dy):
            return 2 * dy, dy.sum()

    x = leaf(1.0, 2.0)
    assert grad(Mine.apply(x, tg.ones(2, dtype=tg.float64)).sum(), x)[0].tolist() == [2.0, 2.0]


def test_results_come_as_they_were_returned_also_beside_what_is_no_tensor(torch):
    pair = collections.namedtuple("pair", "a b")

    def program(lib):
        x, found = in_lib(lib, 1.0, 2.0), []
        for result, kind in (
            (lambda x: (x * 2, 3, None), tuple),
            (lambda x: pair(x * 2, x * 3), tuple),
            (lambda x: (x * 2,), tuple),
        ):
            mine = type(
                "Mine",
                (lib.autograd.Function,),
                {
                    "forward": staticmethod(lambda ctx, x, result=result: result(x)),
                    "backward": staticmethod(lambda ctx, dy, *others: 2 * dy),
                },
            )
            y = mine.apply(x)
            assert type(y) is kind
            found += [y[0], *lib.autograd.grad(y[0].sum(), x)]
        return found

    both(torch, program)
    x = leaf(1.0)
    # PyTorch takes a list for something else than a Tensor, and ends the history.
    twice = type("Twice", (Function,), {"forward": staticmethod(lambda ctx, x: [x * 2])}).apply(x)
    assert type(twice) is list and twice[0].requires_grad


# What is saved


def test_saved_tensors_are_there_until_a_backward_has_freed_them(torch):
    def program(lib, kept):
        class Square(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                kept.append(ctx)
                return x * x

            @staticmethod
            def backward(ctx, dy):
                kept.append(ctx)
                return 2 * ctx.saved_tensors[0] * dy

        y = Square.apply(in_lib(lib, 3.0))
        assert kept[0].saved_tensors[0].item() == 3.0
        y.backward(retain_graph=True)
        assert kept[1].saved_tensors[0].item() == 3.0
        y.backward()
        for ctx in kept:
            with pytest.raises(RuntimeError, match="retain_graph=True"):
                _ = ctx.saved_tensors

    program(tg, [])
    program(torch, [])


def test_saving_again_replaces_what_was_saved(torch):
    def program(lib):
        class Square(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x, x)
                ctx.save_for_backward(2 * x, None)
                return x * x

            @staticmethod
            def backward(ctx, dy):
                doubled, nothing = ctx.saved_tensors
                assert nothing is None
                return doubled * dy

        x = in_lib(lib, 3.0, -1.0)
        return lib.autograd.grad(Square.apply(x).sum(), x)

    both(torch, program)


def test_a_backward_does_not_change_the_cotangent_that_others_get():
    # PyTorch leaves it to the user, and adds 4 where 3 is right.
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            return dy.mul_(2)

    x = leaf(1.0, 2.0)
    h = x * 1
    with pytest.raises(RuntimeError, match="mul_: .* read-only .* clone"):
        (Double.apply(h) + h).backward(tg.ones(2, dtype=tg.float64))
    assert x.grad is None


def test_what_a_class_lacks_is_said(torch):
    for lib in (tg, torch):
        mine = type("Mine", (lib.autograd.Function,), {})
        with pytest.raises(NotImplementedError, match="forward"):
            mine.apply(in_lib(lib, 1.0))
        mine.forward = staticmethod(lambda ctx, x: x * 2)
        with pytest.raises(NotImplementedError, match="backward"):
            mine.apply(in_lib(lib, 1.0)).backward()
    with pytest.raises(TypeError, match=r"Mine: there are no objects of a Function; call Mine.apply"):
        type("Mine", (Function,), {})(leaf(1.0))


def test_an_error_in_a_backward_leaves_gradients_mode_and_graph_as_they_were(torch):
    def program(lib, fail):
        class Square(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, dy):
                if fail:
                    raise KeyError("mine")
                return 2 * ctx.saved_tensors[0] * dy

        x, z = in_lib(lib, 3.0), in_lib(lib, 5.0)
        y = Square.apply(x) + 2 * z
        with pytest.raises(KeyError, match="mine"):
            y.backward(retain_graph=True)
        assert lib.is_grad_enabled()
        assert x.grad is None
        fail.clear()
        y.backward()
        assert x.grad.item() == 6.0

    program(tg, [True])
    program(torch, [True])
