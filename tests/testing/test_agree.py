"""assert_gradients_agree accepts every right backward, and catches what people get wrong in them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.special

from tests.testing.pairs import PAIRS
from tinygrad_edu import nn
from tinygrad_edu.testing import as_pair, assert_gradients_agree
from tinygrad_edu.testing.constructors import exact_constructors

# Pairs as people write them


def caught(name):
    """For each error in a pair, whether it was caught: those written down, and 1e-12 in each of its gradients."""
    written = PAIRS[name]
    found = {}
    for error in written.wrong:
        found[error] = is_caught(written.spoiled(error), written.inputs)
    y, backward = as_pair(written.function)(*written.inputs)
    for i, gradient in enumerate(backward(np.ones_like(y))):
        if gradient is not None:
            found[f"1e-12 in gradient {i}"] = is_caught(slightly_off(written.function, i), written.inputs)
    return found


def is_caught(pair, inputs):
    try:
        return assert_gradients_agree(pair, *inputs, explain=False).verdict == "wrong"
    except AssertionError:
        return True


def slightly_off(pair, i):
    def by_hand(*arguments):
        y, backward = as_pair(pair)(*arguments)

        return y, lambda dy: tuple(g * 1.000000000001 if k == i else g for k, g in enumerate(backward(dy)))

    return by_hand


@pytest.mark.parametrize("name", PAIRS)
def test_a_right_backward_raises_no_alarm(name):
    written = PAIRS[name]
    report = assert_gradients_agree(written.function, *written.inputs)
    assert report.verdict == "right"
    # Loops that fill np.zeros, np.add.at, scipy.special, np.linalg.norm: all run with 60 digits.
    assert {gradient.by for gradient in report.gradients} <= {"60 digits", "rational arithmetic"}
    assert all(gradient.caught <= 1e-30 for gradient in report.gradients)


@pytest.mark.parametrize("name", PAIRS)
def test_errors_in_a_backward_are_caught(name):
    assert [error for error, seen in caught(name).items() if not seen] == []


def test_there_are_enough_pairs_and_errors_to_speak_of_a_rate():
    assert len(PAIRS) >= 60
    assert sum(len(written.wrong) for written in PAIRS.values()) >= 190


# The forms that a pair may have


def cube_forward(x, power=3):
    return x**power


def cube_backward(dy, x, power=3):
    return power * x ** (power - 1) * dy


def affine_forward(x, w):
    return x @ w, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


@pytest.fixture
def x(rng):
    return rng.uniform(0.5, 1.5, (4, 3))


def test_two_functions_take_the_arguments_and_the_options_again(x):
    assert assert_gradients_agree((cube_forward, cube_backward), x).verdict == "right"
    assert assert_gradients_agree((cube_forward, cube_backward), x, power=2).verdict == "right"
    with pytest.raises(AssertionError, match=r"cube_forward: wrong.*\n.*gradient of x is wrong: x\["):
        assert_gradients_agree((cube_forward, lambda dy, x: 2 * x**2 * dy), x)


def test_two_functions_may_hand_a_cache_on(x):
    assert assert_gradients_agree((affine_forward, affine_backward), x, x.T).verdict == "right"


def test_a_backward_of_dy_alone_keeps_state_between_calls(x):
    layer = Tanh()
    with pytest.raises(AssertionError, match="'state' is broken: .*state kept from one call is used by another"):
        assert_gradients_agree((layer.forward, layer.backward), x)


def test_fewer_gradients_than_arguments_belong_to_the_arrays_of_floats(x):
    def scaled(times, x):
        return times * x, lambda dy: times * dy

    assert assert_gradients_agree(scaled, 3, x).verdict == "right"


def test_inputs_may_come_as_one_tuple(x):
    assert assert_gradients_agree((affine_forward, affine_backward), inputs=(x, x.T)).verdict == "right"
    assert assert_gradients_agree((cube_forward, cube_backward), inputs=x).verdict == "right"
    with pytest.raises(TypeError, match="got both"):
        assert_gradients_agree((cube_forward, cube_backward), x, inputs=(x,))


def test_a_pair_knows_its_names_and_its_source():
    pair = as_pair((affine_forward, affine_backward))
    assert (pair.name, pair.parameters, pair.kind) == ("affine_forward", ("x", "w"), "pair")
    assert pair.where() == f"{__file__}:{affine_backward.__code__.co_firstlineno}"
    layer = as_pair(nn.Linear(3, 2))
    assert (layer.name, layer.parameters, layer.kind) == ("Linear", ("x", "weight", "bias"), "layer")


# What it says


def test_the_message_names_element_values_and_what_is_wrong(x):
    def mean_square(x):
        return (x * x).mean(), lambda dy: 2 * x * dy

    with pytest.raises(AssertionError) as caught:
        assert_gradients_agree(mean_square, x)
    message = str(caught.value)
    assert message.startswith(f"mean_square: wrong ({__file__}:")
    assert "the gradient of x is wrong: x[" in message
    assert "by 60 digits; 12 times)\n    it is 12 times" in message


def test_a_broken_clause_is_named_though_the_numbers_are_right(x):
    def double(x):
        def backward(dy):
            dy *= 2
            return dy.copy()

        return 2 * x, backward

    with pytest.raises(AssertionError, match="the contract's clause 'cotangent' is broken") as caught:
        assert_gradients_agree(double, x)
    assert "is right by rational arithmetic" in str(caught.value)


def test_mild_clauses_are_noted_and_count_if_strict(x):
    def identity(x):
        return x.copy(), lambda dy: dy

    report = assert_gradients_agree(identity, x)
    assert report.verdict == "right"
    assert "note: shared memory: the gradient of x is in the memory of the cotangent" in str(report)
    with pytest.raises(AssertionError, match="clause 'shared memory'"):
        assert_gradients_agree(identity, x, strict=True)


def test_a_wrong_shape_and_a_crash_are_told(x):
    with pytest.raises(AssertionError, match=r"the gradient of x has shape \(3,\), and x \(4, 3\)"):
        assert_gradients_agree(lambda x: (2 * x, lambda dy: 2 * dy.sum(0)), x)
    with pytest.raises(AssertionError, match="raises ValueError: matmul"):
        assert_gradients_agree(lambda x: (2 * x, lambda dy: dy @ dy), x)


def test_a_gradient_that_is_not_claimed_is_noted_unless_it_is_wanted(x):
    def product(a, b):
        return a * b, lambda dy: (dy * b, None)

    assert "no gradient of b, which was not checked" in assert_gradients_agree(product, x, x + 1).notes
    with pytest.raises(AssertionError, match="the gradient of b is wrong"):
        assert_gradients_agree(product, x, x + 1, wanted=["b"])
    with pytest.raises(TypeError, match="wanted 'c', but the arrays of floats are a, b"):
        assert_gradients_agree(product, x, x + 1, wanted=["c"])


# Where 60 digits cannot be had


def bessel(x):
    return scipy.special.j0(x), lambda dy: -dy * scipy.special.j1(x)


def test_code_that_needs_floats_is_held_against_differences(rng):
    report = assert_gradients_agree(bessel, rng.normal(size=(3, 3)))
    assert report.verdict == "right"
    (gradient,) = report.gradients
    assert gradient.by == "differences"
    assert gradient.caught < 1e-6
    assert "not in 60 digits, as the code does not run there" in str(report)


@pytest.mark.parametrize("error", [1e-6, 1.0])
def test_what_differences_say_they_catch_they_catch(rng, error):
    x = rng.normal(size=(3, 3))

    def off(x):
        y, backward = bessel(x)
        return y, lambda dy: backward(dy) * (1 + error)

    with pytest.raises(AssertionError, match="by differences"):
        assert_gradients_agree(off, x)


def test_large_inputs_are_looked_at_in_places(rng):
    def square(x):
        return x * x, lambda dy: 2 * x * dy

    report = assert_gradients_agree(square, rng.normal(size=(60, 50)))
    assert report.verdict == "right"
    assert "24 of 3000 elements looked at, and all together along 3 directions" in str(report)


@pytest.mark.parametrize("element", [0, 1234, 2999])
def test_one_wrong_element_of_a_large_input_is_seen(rng, element):
    def square(x):
        def backward(dy):
            dx = 2 * x * dy
            dx.flat[element] *= 1.001
            return dx

        return x * x, backward

    with pytest.raises(AssertionError, match="by differences"):
        assert_gradients_agree(square, rng.normal(size=(60, 50)))


def test_numpy_is_left_as_it_was(x):
    before = np.zeros, np.empty, np.array, np.asarray, np.full, np.ones
    assert_gradients_agree((cube_forward, cube_backward), x)

    def fails(x):
        raise KeyError("within")

    with pytest.raises(KeyError):
        assert_gradients_agree(fails, x)
    assert (np.zeros, np.empty, np.array, np.asarray, np.full, np.ones) == before


def test_other_threads_keep_their_numpy():
    with exact_constructors(), ThreadPoolExecutor(1) as pool:
        assert np.zeros(2).dtype == object
        assert np.zeros(2, int).dtype == int
        assert pool.submit(lambda: np.zeros(2).dtype).result() == np.float64


def test_an_element_that_was_never_set_shows(x):
    def forgetful(x):
        def backward(dy):
            dx = np.empty(x.shape)
            dx[1:] = 2 * x[1:] * dy  # the first row ought to be 0, which new memory often is
            return dx

        return x[1:] ** 2, backward

    with pytest.raises(AssertionError, match=r"the gradient of x is wrong: x\[0, 0\] gets nan"):
        assert_gradients_agree(forgetful, x)


# At kinks


def test_a_subgradient_at_a_kink_is_right():
    for at_zero in (0.0, 0.5, 1.0):

        def relu(x, at_zero=at_zero):
            return np.maximum(x, 0), lambda dy: dy * np.where(x == 0, at_zero, x > 0)

        report = assert_gradients_agree(relu, np.array([0.0, 1.0, -1.0]))
        assert report.verdict == "right"
        assert "1 of 3 elements are at kinks, where it is between the slopes around: x[0] gets" in str(report)
        assert "PyTorch's relu takes 0 at 0" in str(report)


def test_what_is_no_subgradient_at_a_kink_is_wrong():
    def relu(x):
        return np.maximum(x, 0), lambda dy: dy * np.where(x == 0, 2.0, x > 0)

    with pytest.raises(AssertionError, match=r"x\[0\] gets"):
        assert_gradients_agree(relu, np.array([0.0, 1.0, -1.0]))


def test_all_ties_of_a_maximum_may_not_get_the_gradient():
    def largest(x, share):
        y = x.max(1)
        ties = x == y[:, None]
        return y, lambda dy: dy[:, None] * (ties / ties.sum(1, keepdims=True) if share else ties)

    x = np.array([[1.0, 1.0, -1.0], [2.0, 2.0, 1.0]])
    assert assert_gradients_agree(largest, x, share=True).verdict == "right"
    with pytest.raises(AssertionError, match="summed, is wrong"):
        assert_gradients_agree(largest, x, share=False)


def test_the_norm_at_zero_may_have_any_gradient_of_at_most_its_slope_and_not_none():
    def norm(x, at_zero):
        n = np.sqrt((x * x).sum())
        return n, lambda dy: dy * x / n if n > 0 else x + at_zero

    x = np.zeros(3)
    assert assert_gradients_agree(norm, x, at_zero=0.0).verdict == "right"
    with pytest.raises(AssertionError, match=r"x\[0\] gets 3"):
        assert_gradients_agree(norm, x, at_zero=3.0)
    with pytest.raises(AssertionError, match=r"x\[0\] gets nan"):
        assert_gradients_agree(lambda x: (np.sqrt((x * x).sum()), lambda dy: dy * x / np.sqrt((x * x).sum())), x)


def test_the_second_largest_of_equal_numbers_may_be_any_of_them():
    """It is neither convex nor concave: what moves one of them alone moves nothing."""

    def second(x):
        k = np.argsort(x)[-2]

        def backward(dy):
            dx = np.zeros_like(x)
            dx[k] = dy
            return dx

        return x[k], backward

    assert assert_gradients_agree(second, np.ones(4)).verdict == "right"


# Elsewhere than at the inputs given


def seven_times_relu(x, beyond):
    return np.maximum(x, 0), lambda dy: dy * np.where(x > beyond, 7, x > 0)


def test_what_is_flat_at_the_inputs_is_seen_with_other_signs():
    x = np.array([-1.0, -2.0])
    with pytest.raises(AssertionError, match="right at the inputs given, and wrong with other signs"):
        assert_gradients_agree(seven_times_relu, x, beyond=0)
    report = assert_gradients_agree(seven_times_relu, x, beyond=0, sweep=False)
    assert report.verdict == "cannot tell"
    assert "0 everywhere at these inputs" in str(report)


def test_a_branch_that_the_inputs_do_not_take_is_reached_at_another_scale():
    x = np.array([-1.0, 2.0])
    with pytest.raises(AssertionError, match=r"x\[1\] gets .*\n.*\n.*wrong where x is at most 200 in size"):
        assert_gradients_agree(seven_times_relu, x, beyond=100)
    # The limit of all that looks at points.
    assert assert_gradients_agree(seven_times_relu, x, beyond=1e6).verdict == "right"


def test_a_branch_that_no_input_took_is_named():
    def clipped(x, limit):
        y = np.minimum(x, limit)
        return y, lambda dy: dy * (x < limit)

    report = assert_gradients_agree(clipped, np.array([-1.0, 2.0]), limit=1e6)
    assert report.verdict == "right"
    assert "went one way only, < was always true: `return y, lambda dy: dy * (x < limit)`" in str(report)
    assert "went one way only: `y = np.minimum(x, limit)`" in str(report)
    assert "one way only" not in str(assert_gradients_agree(clipped, np.array([-1.0, 2.0]), limit=1.0))


def test_a_line_that_never_ran_is_named(x):
    def square(x, halved=False):
        def backward(dy):
            if halved:
                dy = 3 * dy
            return 2 * x * dy

        return x * x, backward

    assert "never ran: `dy = 3 * dy`" in str(assert_gradients_agree(square, x))


def test_elements_that_never_had_a_gradient_are_counted(x):
    def first_rows(x):
        def backward(dy):
            dx = np.zeros_like(x)
            dx[:3] = 3 * x[:3] ** 2 * dy
            return dx

        return x[:3] ** 3, backward

    assert "3 of 12 elements of the gradient of x were 0 at all inputs" in str(assert_gradients_agree(first_rows, x))


def test_saturation_is_no_error_of_a_formula():
    """1 − y² has no digit left of 60 at 100, and all of them with more."""
    report = assert_gradients_agree((lambda x: np.tanh(x), lambda dy, x: dy * (1 - np.tanh(x) ** 2)), np.array([0.5]))
    assert report.verdict == "right"
    report = assert_gradients_agree((lambda x: np.tanh(x), lambda dy, x: dy * (1 - np.tanh(x) ** 2)), np.array([300.0]))
    assert report.verdict == "right"
    with pytest.raises(AssertionError, match="2 times"):
        assert_gradients_agree((np.tanh, lambda dy, x: 2 * dy * (1 - np.tanh(x) ** 2)), np.array([300.0]))


def test_targets_stay_as_they_are(x):
    """p − t is the gradient of cross-entropy for targets that add up to 1, and for no others."""

    def cross_entropy(x, target):
        p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
        return -(target * np.log(p)).sum(), lambda dy: (dy * (p - target), None)

    assert assert_gradients_agree(cross_entropy, x, np.eye(4, 3) + np.eye(4, 3, -3)).verdict == "right"


def test_what_draws_numbers_cannot_be_told(x):
    generator = np.random.default_rng(0)

    def noisy(x):
        mask = generator.uniform(size=x.shape)
        return x * mask, lambda dy: dy * mask

    assert assert_gradients_agree(noisy, x).verdict == "cannot tell"


# The library's own, and functions of Tensors


@pytest.mark.parametrize(
    "layer", [nn.Linear(3, 2), nn.BatchNorm1d(3), nn.Sequential(nn.Linear(3, 2), nn.Tanh())], ids=str
)
def test_layers_and_models_are_right(layer, x):
    report = assert_gradients_agree(layer, x)
    assert report.verdict == "right"
    assert report.report.ok
    assert (report.contract is None) == isinstance(layer, nn.Sequential)


def test_a_wrong_layer_is_told(x):
    class Doubled(nn.Layer):
        @staticmethod
        def definition(x):
            return 2 * x

        @staticmethod
        def by_hand(x):
            return 2 * x, lambda dy: 3 * dy

    with pytest.raises(AssertionError, match="by hand is the odd one out"):
        assert_gradients_agree(Doubled(), x)


def test_functions_of_tensors_are_right_or_wrong(x):
    report = assert_gradients_agree(lambda x: (x.tanh() * x).sum(), x)
    assert report.verdict == "right"
    with pytest.raises(AssertionError, match="graph is the odd one out"):
        assert_gradients_agree(lambda x: x * x.detach(), x)


def test_what_can_be_no_target_is_told(x):
    with pytest.raises(TypeError, match="expected by_hand"):
        assert_gradients_agree(3, x)


# PyTorch


def test_a_right_torch_function_passes(torch):
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.saved_tensors[0]

    report = assert_gradients_agree(Exp, torch.randn(4, 3))
    assert report.verdict == "right"
    assert report.gradients[0].argument == "x"
    assert report.gradients[0].caught < 1e-6


@pytest.mark.parametrize("flaw", ["factor", "overwrites", "state", "expanded", "small scale"])
def test_a_flawed_torch_function_is_caught(torch, flaw):
    kept = {}
    scale = 1e-6 if flaw == "small scale" else 1.0

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = scale * x.exp()
            kept["y"] = y
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            (y,) = ctx.saved_tensors
            if flaw == "factor":
                return dy * y * 1.00001
            if flaw == "overwrites":
                return dy.mul_(y)
            if flaw == "state":
                return dy * kept["y"]
            if flaw == "expanded":
                return dy.view(-1).reshape(y.shape) * y
            return -dy * y  # of a result as small as 1e-6, where an absolute tolerance sees nothing

    clause = {"factor": "the gradient of x is wrong", "overwrites": "'cotangent'", "state": "'state'"}
    clause |= {"expanded": "'cotangent layout'", "small scale": "the gradient of x is wrong"}
    with pytest.raises(AssertionError, match=clause[flaw]):
        assert_gradients_agree(Exp, torch.randn(4, 3))


def test_torch_modules_are_checked_with_their_parameters(torch):
    for module in (
        torch.nn.Linear(3, 2),
        torch.nn.BatchNorm1d(3),
        torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU()),
    ):
        before = {name: value.clone() for name, value in module.state_dict().items()}
        report = assert_gradients_agree(module, torch.randn(4, 3))
        assert report.verdict == "right", report
        assert [g.argument for g in report.gradients] == ["input", *(name for name, _ in module.named_parameters())]
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[name])


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_a_torch_function_that_computes_in_float32_is_judged_by_its_own_rounding(torch, factor):
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.float().exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            return factor * (dy * ctx.saved_tensors[0]).double()

    if factor == 1:
        report = assert_gradients_agree(Exp, torch.linspace(-2, 2, 12).reshape(4, 3))
        assert report.verdict == "right"
        assert 1e-6 < report.gradients[0].caught < 0.1
    else:
        with pytest.raises(AssertionError, match=r"1\.(10|09)\d* times"):
            assert_gradients_agree(Exp, torch.linspace(-2, 2, 12).reshape(4, 3))


def test_a_function_on_torch_tensors_is_checked(torch):
    assert assert_gradients_agree(lambda x: torch.tanh(x) * x, torch.randn(4, 3)).verdict == "right"
