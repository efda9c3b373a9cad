"""Operations of the user's own against the same classes in PyTorch."""

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
        (lambda g: (g, g), RuntimeError, "argument 1 is no Tensor"),
        (lambda g: (g.sum(), None), ValueError, r"gradient 0 has shape \(\), its argument has shape \(2,\)"),
        (lambda g: (g.numpy(), None), TypeError, "expected a Tensor or None as gradient 0, got ndarray"),
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
