"""gradcheck tells right gradients from wrong ones, as PyTorch's does."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import graph, nn
from tinygrad_edu.announce import Drawn, announced
from tinygrad_edu.autograd import GradcheckError, gradcheck, gradgradcheck
from tinygrad_edu.func import functional_call
from tinygrad_edu.func.tree import flattened, mapped


@pytest.fixture
def x(rng):
    return tg.tensor(rng.normal(size=(2, 3)), requires_grad=True)


def wrong(x):
    """x² whose recorded gradient is x, since one factor is detached."""
    return x * x.detach()


def test_a_right_gradient_passes(x):
    assert gradcheck(lambda x: (x * x).sin(), x)


def test_a_wrong_gradient_is_named_with_its_place_and_values(x):
    with pytest.raises(GradcheckError, match=r"output 0\[\d, \d\] with respect to input 0\[\d, \d\]: recorded"):
        gradcheck(wrong, x)


def test_without_raise_exception_it_returns_false(x):
    assert gradcheck(wrong, x, raise_exception=False) is False


def test_every_input_that_requires_a_gradient_is_checked(x):
    y = tg.tensor(np.ones((2, 3)), requires_grad=True)
    assert gradcheck(lambda x, y: x * y, (x, y))
    assert not gradcheck(lambda x, y: x * (y * y.detach()), (x, y), raise_exception=False)


def test_inputs_without_a_gradient_and_plain_ones_are_passed_on(x):
    labels = tg.tensor([0, 2])
    frozen = tg.tensor(np.full((2, 3), 2.0))
    assert gradcheck(lambda x, n, w, k: (x * w).pow(k).gather(1, n.reshape(2, 1)), (x, labels, frozen, 2))


def test_every_float_output_is_checked(x):
    assert gradcheck(lambda x: (x.sin(), x.argmax(), x.cos()), x)
    with pytest.raises(GradcheckError, match="output 1"):
        gradcheck(lambda x: (x.sin(), wrong(x)), x)


def test_a_result_without_history_must_be_constant(x):
    assert gradcheck(lambda x: tg.ones(2, dtype=tg.float64), x)
    assert not gradcheck(lambda x: x.detach(), x, raise_exception=False)


def test_no_gradient_of_the_callers_is_touched(x):
    layer = nn.Linear(3, 2).double()
    assert gradcheck(layer, x)
    assert x.grad is None and layer.weight.grad is None


def test_a_nan_on_one_side_is_a_disagreement():
    x = tg.tensor([0.0], dtype=tg.float64, requires_grad=True)
    # The derivative of sqrt at 0 is infinite, and to the left of 0 there is no square root.
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not gradcheck(lambda x: x.sqrt(), x, raise_exception=False)


def test_no_input_that_requires_a_gradient_is_an_error():
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(lambda x: x, tg.ones(2))


def test_float32_inputs_are_warned_of():
    with pytest.warns(UserWarning, match="float32"):
        gradcheck(lambda x: 2 * x, tg.ones(2, requires_grad=True), atol=0.1)


def test_a_function_that_gives_no_tensor_is_an_error(x):
    with pytest.raises(ValueError, match="returns Tensors, got ndarray"):
        gradcheck(lambda x: x.detach().numpy(), x)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_shapes_without_dimensions_or_elements(shape):
    x = tg.tensor(np.full(shape, 0.5), requires_grad=True)
    assert gradcheck(lambda x: x * x, x)


def test_it_agrees_with_torch_about_what_passes(torch, rng):
    values = rng.normal(size=3)
    ours, theirs = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    # A recorded gradient that is too large by a factor of 1 + e, around rtol = 1e-3.
    for e in (1e-4, 5e-4, 2e-3, 1e-2):
        f = lambda x, e=e: 1e3 * (x + e * (x - x.detach()))
        expected = torch.autograd.gradcheck(f, theirs, raise_exception=False)
        assert gradcheck(f, ours, raise_exception=False) is expected


@pytest.mark.parametrize("fast_mode", [False, True])
def test_both_modes_tell_a_wrong_gradient_of_one_element(rng, fast_mode):
    x = tg.tensor(rng.normal(size=(3, 4)), requires_grad=True)
    mask = np.zeros((3, 4))
    mask[1, 2] = 1
    f = lambda x: (x + tg.tensor(mask) * 0.1 * (x - x.detach())).exp()
    assert gradcheck(lambda x: (x.exp(), x.sum()), x, fast_mode=fast_mode)
    assert not gradcheck(f, x, fast_mode=fast_mode, raise_exception=False)


def test_fast_mode_evaluates_the_function_a_few_times_whatever_the_size(rng):
    calls = []

    def f(x):
        calls.append(x)
        return x.sin()

    assert gradcheck(f, tg.tensor(rng.normal(size=1000), requires_grad=True), fast_mode=True)
    assert len(calls) == 3


def test_fast_mode_says_how_to_find_the_element(x):
    with pytest.raises(
        GradcheckError, match="output 0 with respect to input 0, in a random direction.*fast_mode=False"
    ):
        gradcheck(wrong, x, fast_mode=True)


LAYOUTS = {
    "transposed": lambda a: a.T,
    "with gaps": lambda a: a[::2, ::3],
    "backwards": lambda a: a[::-1, ::-2],
    "without dimensions": lambda a: a[2, 1, ...],
}


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_inputs_keep_their_strides(rng, layout, fast_mode):
    x = tg.from_numpy(LAYOUTS[layout](rng.normal(size=(4, 6)))).requires_grad_()
    seen = set()

    def f(x):
        seen.add(x.array.strides)
        return x * x

    before = x.array.copy()
    assert gradcheck(f, x, fast_mode=fast_mode) and seen == {x.array.strides}
    np.testing.assert_array_equal(x.array, before)


def test_a_gradient_wrong_for_transposed_inputs_alone_is_found(rng):
    f = lambda x: x * x if x.is_contiguous() else wrong(x)
    a = rng.normal(size=(2, 3))
    assert gradcheck(f, tg.from_numpy(a).requires_grad_())
    assert not gradcheck(f, tg.from_numpy(a.T).requires_grad_(), raise_exception=False)


def test_an_input_whose_elements_share_memory_is_refused_as_by_torch(torch):
    with pytest.raises(RuntimeError, match="stride 0"):
        torch.autograd.gradcheck(lambda x: 2 * x, torch.ones(1).double().expand(3).requires_grad_())
    with pytest.raises(ValueError, match=r"elements of input 0 share memory \(shape \(3,\), strides \(0,\)\)"):
        gradcheck(lambda x: 2 * x, tg.ones(1).double().expand(3).requires_grad_())


@pytest.mark.parametrize("fast_mode", [False, True])
def test_a_backward_that_differs_from_run_to_run_is_found(x, fast_mode):
    class Noisy(tg.autograd.Function):
        runs = 0

        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            Noisy.runs += 1
            return g * (1 + 1e-9 * Noisy.runs)

    with pytest.raises(GradcheckError, match="not deterministic"):
        gradcheck(Noisy.apply, x, fast_mode=fast_mode)
    assert gradcheck(Noisy.apply, x, nondet_tol=1e-6, check_undefined_grad=False, fast_mode=fast_mode)


def test_a_backward_that_makes_something_of_nothing_is_found(x):
    class Shifted(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            return g + 1e-7

    assert not gradcheck(Shifted.apply, x, raise_exception=False)
    assert gradcheck(Shifted.apply, x, check_undefined_grad=False)


def test_a_backward_that_cannot_do_without_a_cotangent_is_found(torch, x):
    def two(lib, back):
        class Two(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(False)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx, a, b):
                return back(a, b)

        return Two.apply

    def careful(a, b):
        shares = [g * k for g, k in ((a, 2), (b, 3)) if g is not None]
        return sum(shares) if shares else None

    for lib, given in ((tg, x), (torch, torch.ones(2, dtype=torch.float64, requires_grad=True))):
        with pytest.raises(TypeError, match="NoneType"):
            lib.autograd.gradcheck(two(lib, lambda a, b: 2 * a + 3 * b), given)
        assert lib.autograd.gradcheck(two(lib, careful), given)
    # What makes something of the one that there is, when the other is none.
    biased = lambda a, b: careful(a, b) + (0 if a is None or b is None else 1e-7)
    with pytest.raises(GradcheckError, match="with cotangents of 0, the gradient .* is not 0"):
        gradcheck(two(tg, biased), x)
    biased = lambda a, b: careful(a, b) + (1e-7 if a is None else 0)
    with pytest.raises(GradcheckError, match="with cotangents of 0, and none for output 0, .* is not 0"):
        gradcheck(two(tg, biased), x)


def test_a_backward_that_gives_another_dtype_is_found_where_asked(torch, x):
    def single(lib, back):
        class Single(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return 2 * x

            @staticmethod
            def backward(ctx, g):
                return back(g)

        return Single.apply

    exact = lambda g: (2 * g).float()
    for fast_mode in (False, True):
        assert gradcheck(single(tg, exact), x, fast_mode=fast_mode)
        with pytest.raises(GradcheckError, match=r"backward of 'Single' gave float32 for operand 0 .* float64"):
            gradcheck(single(tg, exact), x, check_grad_dtypes=True, fast_mode=fast_mode)
        with pytest.raises(GradcheckError, match="'Single' gave float32"):
            gradgradcheck(single(tg, exact), x, check_grad_dtypes=True, fast_mode=fast_mode)
        assert gradcheck(single(tg, lambda g: 2 * g), x, check_grad_dtypes=True, fast_mode=fast_mode)
    # PyTorch converts before it looks, and finds nothing.
    theirs = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(single(torch, exact), theirs, check_grad_dtypes=True)


def test_a_conversion_that_belongs_to_the_operation_is_no_fault(x):
    w = tg.ones(3, requires_grad=True)
    with pytest.warns(UserWarning, match="float32"):
        assert gradcheck(lambda x, w: x * w, (x, w), check_grad_dtypes=True, fast_mode=True, atol=1, eps=1e-2)
    assert gradcheck(lambda x: x.float().double() * x, x, check_grad_dtypes=True, atol=1, eps=1e-2)


def test_watching_dtypes_ends_with_the_check_and_leaves_anomaly_detection_on(x):
    with tg.autograd.detect_anomaly():
        assert gradcheck(lambda x: x.sin(), x, check_grad_dtypes=True)
        assert tg.is_anomaly_enabled()
        with pytest.raises(RuntimeError, match="nan"):
            gradcheck(
                lambda x: x.log(), tg.tensor([np.nan], dtype=tg.float64, requires_grad=True), check_grad_dtypes=True
            )
    assert graph.observe is None
    gradcheck(wrong, x, check_grad_dtypes=True, raise_exception=False)
    assert graph.observe is None


def test_options_without_a_meaning_are_refused(x):
    for check, options in (
        (gradcheck, ("check_batched_grad", "check_batched_forward_grad", "check_forward_ad")),
        (gradgradcheck, ("check_batched_grad", "check_fwd_over_rev")),
    ):
        for option in options:
            with pytest.raises(NotImplementedError, match=f"{check.__name__}: {option}=True has nothing to check"):
                check(lambda x: x * x, x, **{option: True})
            assert check(lambda x: x * x, x, **{option: False})
    with pytest.raises(NotImplementedError, match="check_backward_ad=False"):
        gradcheck(lambda x: x * x, x, check_backward_ad=False)
    with pytest.raises(NotImplementedError, match="check_rev_over_rev=False"):
        gradgradcheck(lambda x: x * x, x, check_rev_over_rev=False)
    for masked in (None, True, False):
        assert gradcheck(lambda x: x * x, x, masked=masked)


@pytest.mark.parametrize("name", ["gradcheck", "gradgradcheck"])
def test_every_option_of_torchs_is_known_and_has_its_default(torch, name):
    ours, theirs = (inspect.signature(getattr(lib.autograd, name)).parameters for lib in (tg, torch))
    own = ["complex_step"] if name == "gradcheck" else []
    assert list(ours) == [*theirs, *own]
    for option, parameter in theirs.items():
        assert ours[option].kind == parameter.kind
        if option != "masked":
            assert ours[option].default == parameter.default


@pytest.mark.parametrize(
    "options",
    [
        {"eps": 1e-2},
        {"eps": 1e-2, "atol": 1e-3},
        {"eps": 1e-2, "rtol": 1e-1},
        {"atol": 0.0, "rtol": 0.0},
        {"atol": 1e-9, "rtol": 1e-6},
        {"eps": 1e-9, "atol": 1e-9, "rtol": 0.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("fast_mode", [False, True])
def test_step_and_tolerances_mean_what_they_mean_in_torch(torch, options, fast_mode):
    values = np.array([0.3, 1.1, 2.0])
    for f in (lambda x: x.exp() * x, lambda x: x**5):
        expected = torch.autograd.gradcheck(
            f, torch.tensor(values, requires_grad=True), raise_exception=False, fast_mode=fast_mode, **options
        )
        x = tg.tensor(values, requires_grad=True)
        assert gradcheck(f, x, raise_exception=False, fast_mode=fast_mode, **options) is expected


def test_gradgradcheck_tells_a_wrong_second_derivative(x):
    class Cube(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * g * x * x.detach()

    for fast_mode in (False, True):
        assert gradcheck(Cube.apply, x, fast_mode=fast_mode)
        assert not gradgradcheck(Cube.apply, x, fast_mode=fast_mode, raise_exception=False)
        assert gradgradcheck(lambda x: x**3, x, fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match="with respect to input 0"):
        gradgradcheck(Cube.apply, x)


def test_gradgradcheck_tells_a_backward_whose_dependence_on_the_cotangent_is_lost(x):
    class Double(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return g.detach() + g

    assert gradcheck(Double.apply, x)
    with pytest.raises(GradcheckError, match="with respect to input 1"):
        gradgradcheck(Double.apply, x)


def test_gradgradcheck_takes_several_outputs_and_given_cotangents(x):
    f = lambda x, w: (x.exp() * w, x.argmax(), (x * x).sum())
    w = tg.tensor(np.full((2, 3), 0.7), requires_grad=True)
    assert gradgradcheck(f, (x, w))
    cotangents = (tg.tensor(np.ones((2, 3)), requires_grad=True), tg.tensor(2.0, dtype=tg.float64))
    assert gradgradcheck(f, (x, w), cotangents)
    with pytest.raises(ValueError, match="got 1 grad_outputs for 2 outputs"):
        gradgradcheck(f, (x, w), cotangents[0])


@pytest.mark.parametrize("gaps", [False, True])
def test_gradgradcheck_makes_cotangents_with_gaps_where_asked(x, gaps):
    seen = set()

    class Square(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            seen.add(g.is_contiguous())
            return 2 * ctx.saved_tensors[0] * g

    assert gradgradcheck(Square.apply, x, gen_non_contig_grad_outputs=gaps)
    assert (False in seen) is gaps


def test_gradgradcheck_of_a_linear_function_has_constant_gradients(x):
    assert gradgradcheck(lambda x: 2 * x, x)
    assert gradgradcheck(lambda x: x.detach() * 2, x)


def test_both_checks_agree_with_torch_about_what_passes(torch, rng):
    values = rng.normal(size=3)
    functions = [
        lambda x: x.exp(),
        lambda x: (x * x).cumsum(0),
        lambda x: x * x.detach(),
        lambda x: x * x.detach() ** 2 / 3 + x.detach() * x * x * 2 / 3,
        lambda x: x.detach() * x,
    ]
    for f in functions:
        ours, theirs = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
        for name in ("gradcheck", "gradgradcheck"):
            for fast_mode in (False, True):
                options = dict(fast_mode=fast_mode, raise_exception=False)
                expected = getattr(torch.autograd, name)(f, theirs, **options)
                assert getattr(tg.autograd, name)(f, ours, **options) is expected, (name, fast_mode)


DIFFERENTIABLE = [
    pytest.param(known, example, id=f"{known.name}-{i}")
    for known in announced.values()
    for i, example in enumerate(known.examples)
    if known.differentiable
]


def small(known, example):
    """An example's case with its defaults where property tests draw them, small sizes for the rest, and no ties."""
    chosen = {}
    for name, values in known.ranges(example).items():
        default = inspect.signature(example).parameters[name].default
        chosen[name] = default if default in values else values[len(values) // 2]
    case = known.case(example, **chosen)
    apart = lambda x: replace(x, ties=False) if isinstance(x, Drawn) else x
    return replace(case, inputs=mapped(apart, case.inputs))


@pytest.mark.parametrize(("known", "example"), DIFFERENTIABLE)
def test_every_announced_gradient_has_right_gradients(known, example):
    tg.manual_seed(0)
    case = small(known, example)
    module = case.function.double() if isinstance(case.function, nn.Module) else None
    names, weights = zip(*module.named_parameters(), strict=True) if module and [*module.parameters()] else ((), ())
    drawn, rebuild = flattened(case.drawn(np.random.default_rng(0)))
    inputs = [tg.tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x for x in drawn]

    def f(*arguments):
        tg.manual_seed(0)  # the same random numbers in every call
        given = rebuild(list(arguments[: len(inputs)]))
        if module is None:
            result = case.function(*given, **case.options)
        else:
            result = functional_call(module, dict(zip(names, arguments[len(inputs) :], strict=True)), tuple(given))
        return tuple(y for y in flattened(result)[0] if isinstance(y, tg.Tensor))

    assert gradgradcheck(f, (*inputs, *weights), fast_mode=True, check_grad_dtypes=True)


def test_an_imaginary_step_is_exact_to_rounding():
    x = tg.tensor([0.3, 1.7], dtype=tg.float64, requires_grad=True)
    w = tg.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=tg.float64, requires_grad=True)

    def f(x, w):
        return (w @ x).tanh() / x, tg.linalg.det(w) * x.exp().sum()

    for fast_mode in (False, True):
        # atol is for 1 − y², the slope of tanh, which cancels near y = 1.
        assert tg.autograd.gradcheck(f, (x, w), complex_step=True, atol=1e-15, rtol=1e-13, fast_mode=fast_mode)


def test_an_imaginary_step_sees_an_error_of_a_trillionth():
    class Nearly(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, dy):
            return 2.000000000002 * ctx.saved_tensors[0] * dy

    x = tg.tensor([0.3, 1.7], dtype=tg.float64, requires_grad=True)
    assert tg.autograd.gradcheck(Nearly.apply, x)  # which differences do not see
    assert not tg.autograd.gradcheck(Nearly.apply, x, complex_step=True, atol=0, rtol=1e-13, raise_exception=False)


def test_a_function_that_is_not_analytic_is_refused_an_imaginary_step():
    x = tg.tensor([0.3, -1.7], dtype=tg.float64, requires_grad=True)
    with pytest.raises(ValueError, match="complex_step, but result 0 of a complex input 0 is real: not analytic"):
        tg.autograd.gradcheck(lambda x: x.abs(), x, complex_step=True)
