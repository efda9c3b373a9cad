"""The optimizers step as torch.optim's do, in place, and tell what they are given wrong."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

STEPS = 50
SHAPES = [(3, 2), (), (4,), (1, 2, 2)]


def parameters(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def gradients(t, dtype=np.float64):
    """Those of step t: of changing sign and size, and for some parameters in some steps none."""
    rng = np.random.default_rng([1, t])
    return [
        None if (t + i) % 7 == 3 else (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 2)).astype(dtype)
        for i, shape in enumerate(SHAPES)
    ]


def ours(arrays):
    return [tg.tensor(a, requires_grad=True) for a in arrays]


def theirs(torch, arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def step(optimizer, params, make, t, dtype=np.float64):
    for p, g in zip(params, gradients(t, dtype), strict=True):
        p.grad = None if g is None else make(g)
    optimizer.step()


def grouped(params, own):
    """The parameters in one group, or in two of which the second has options of its own."""
    return params if own is None else [{"params": params[:2]}, {"params": params[2:], **own}]


def assert_same(a, b):
    for p, q in zip(a, b, strict=True):
        # 50 steps of some ten roundings each, relative to values of the order of 1.
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-12)


rates = st.sampled_from([0.0, 1e-3, 0.05, 0.3])
decays = st.sampled_from([0.0, 1e-2, 0.3])
sgd = st.fixed_dictionaries(
    {
        "lr": rates,
        "weight_decay": decays,
        "momentum": st.sampled_from([0.0, 0.5, 0.9]),
        "nesterov": st.just(False),
        "dampening": st.sampled_from([0.0, 0.4]),
        "maximize": st.booleans(),
    }
) | st.fixed_dictionaries(
    {
        "lr": rates,
        "weight_decay": decays,
        "momentum": st.sampled_from([0.5, 0.9]),
        "nesterov": st.just(True),
        "dampening": st.just(0.0),
    }
)
adam = st.fixed_dictionaries(
    {"lr": rates, "maximize": st.booleans(), "amsgrad": st.booleans()},
    optional={
        "weight_decay": decays,
        # Not β₂ = 0 with weight decay: it divides by g_t + λw alone, where the two may cancel and leave rounding.
        "betas": st.sampled_from([(0.9, 0.999), (0.0, 0.9), (0.5, 0.5)]),
        "eps": st.sampled_from([1e-8, 1e-3]),
    },
)
OPTIONS = {"SGD": sgd, "Adam": adam, "AdamW": adam}
choices = st.one_of(*(st.tuples(st.just(name), options, options) for name, options in OPTIONS.items()))
# By step, what the learning rate is multiplied by then, as a scheduler does.
schedules = st.dictionaries(st.integers(1, STEPS - 1), st.sampled_from([0.0, 0.1, 0.5, 0.97, 2.0]), max_size=8)


def test_every_optimizer_is_held_against_torch():
    assert set(OPTIONS) == {name for name, cls in vars(optim).items() if isinstance(cls, type)} - {"Optimizer"}


@settings(max_examples=2 * settings.default.max_examples)
@given(choice=choices, two=st.booleans(), schedule=schedules)
def test_fifty_steps_are_torchs(torch, choice, two, schedule):
    # Always the same values: Adam divides by the size of g + λw, and where these cancel, by rounding.
    name, options, second = choice
    own = second if two else None
    params, expected = ours(parameters()), theirs(torch, parameters())
    optimizer = getattr(optim, name)(grouped(params, own), **options)
    reference = getattr(torch.optim, name)(grouped(expected, own), **options)
    for t in range(STEPS):
        for group in (*optimizer.param_groups, *reference.param_groups):
            group["lr"] *= schedule.get(t, 1.0)
        step(optimizer, params, tg.tensor, t)
        step(reference, expected, torch.tensor, t)
    assert_same(params, expected)


EACH = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.4}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "betas": (0.5, 0.0), "eps": 1e-3}),
    ("AdamW", {"lr": 0.01, "amsgrad": True}),
]


@pytest.mark.parametrize(("name", "options"), EACH)
def test_defaults_are_torchs(torch, name, options):
    reference = getattr(torch.optim, name)(theirs(torch, parameters()))
    defaults = getattr(optim, name)(ours(parameters())).defaults
    assert {k: reference.defaults[k] for k in defaults} == defaults


@pytest.mark.parametrize(("name", "options"), EACH)
def test_float32_stays_float32_and_goes_where_torchs_goes(torch, name, options):
    params, expected = ours(parameters(np.float32)), theirs(torch, parameters(np.float32))
    optimizer = getattr(optim, name)(params, **{**options, "lr": np.float64(options["lr"])})
    reference = getattr(torch.optim, name)(expected, **options)
    for t in range(STEPS):
        step(optimizer, params, tg.tensor, t, np.float32)
        step(reference, expected, torch.tensor, t, np.float32)
    arrays = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, np.ndarray)]
    assert {a.dtype for a in (*arrays, *(p.array for p in params))} == {np.dtype(np.float32)}
    for p, q in zip(params, expected, strict=True):
        # 50 steps of some ten roundings of 6e-8 each, in another order than torch's.
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=3e-5, atol=3e-5)


# State


@pytest.mark.parametrize(("name", "options"), EACH)
def test_a_state_dict_continues_where_it_was_taken(name, options):
    params = ours(parameters())
    optimizer = getattr(optim, name)(params, **options)
    for t in range(5):
        step(optimizer, params, tg.tensor, t)
    copies = ours([p.array for p in params])
    resumed = getattr(optim, name)(copies, lr=1.0)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for t in range(5, 12):
        step(optimizer, params, tg.tensor, t)
        step(resumed, copies, tg.tensor, t)
    for p, q in zip(params, copies, strict=True):
        np.testing.assert_array_equal(p.array, q.array)


@pytest.mark.parametrize(("name", "options"), EACH)
def test_torchs_state_dict_is_continued(torch, name, options):
    expected = theirs(torch, parameters())
    reference = getattr(torch.optim, name)(grouped(expected, {"lr": 0.2}), **options)
    for t in range(5):
        step(reference, expected, torch.tensor, t)
    params = ours([p.detach().numpy() for p in expected])
    optimizer = getattr(optim, name)(grouped(params, {"lr": 7.0}))
    optimizer.load_state_dict(reference.state_dict())
    assert [group["lr"] for group in optimizer.param_groups] == [options["lr"], 0.2]
    for t in range(5, STEPS):
        step(optimizer, params, tg.tensor, t)
        step(reference, expected, torch.tensor, t)
    assert_same(params, expected)


def test_loaded_state_is_a_copy():
    params = ours(parameters())
    optimizer = optim.Adam(params)
    step(optimizer, params, tg.tensor, 0)
    other = optim.Adam(ours(parameters()))
    other.load_state_dict(optimizer.state_dict())
    before = [dict(state) for state in copy.deepcopy(list(other.state.values()))]
    step(optimizer, params, tg.tensor, 1)
    for state, expected in zip(other.state.values(), before, strict=True):
        np.testing.assert_array_equal(state["exp_avg"], expected["exp_avg"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state["param_groups"].append({"params": [], "lr": 0.1}),
        lambda state: state["param_groups"][0]["params"].pop(),
        lambda state: state["state"][0].update(exp_avg=np.zeros(5)),
        lambda state: state["param_groups"][0].update(lr=-1.0),
    ],
    ids=["another group", "a parameter fewer", "another shape", "a negative rate"],
)
def test_a_state_that_does_not_fit_changes_nothing(spoil):
    params = ours(parameters())
    optimizer = optim.Adam(params, lr=0.1)
    step(optimizer, params, tg.tensor, 0)
    state = copy.deepcopy(optimizer.state_dict())
    spoil(state)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match="Adam"):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for i, values in before["state"].items():
        np.testing.assert_array_equal(after["state"][i]["exp_avg"].numpy(), values["exp_avg"].numpy())


def test_an_optimizer_can_be_pickled_with_its_parameters():
    params = ours(parameters())
    optimizer = optim.Adam(params)
    step(optimizer, params, tg.tensor, 0)
    twin = pickle.loads(pickle.dumps(optimizer))
    copies = twin.param_groups[0]["params"]
    step(optimizer, params, tg.tensor, 1)
    step(twin, copies, tg.tensor, 1)
    for p, q in zip(params, copies, strict=True):
        np.testing.assert_array_equal(p.array, q.array)


# In place


@pytest.mark.parametrize(("name", "options"), EACH)
def test_parameters_keep_their_arrays_and_those_who_share_them_see_the_step(name, options):
    params = ours(parameters())
    arrays, shared = [p.array for p in params], [p.detach() for p in params]
    before = [a.copy() for a in arrays]
    optimizer = getattr(optim, name)(params, **options)
    step(optimizer, params, tg.tensor, 0)
    for p, array, view, old in zip(params, arrays, shared, before, strict=True):
        assert p.array is array
        np.testing.assert_array_equal(view.numpy(), array)
        assert (array == old).all() == (p.grad is None)


@pytest.mark.parametrize(("name", "options"), EACH)
@pytest.mark.parametrize("maximize", [False, True])
def test_gradients_are_left_as_they_are(name, options, maximize):
    params = ours(parameters())
    optimizer = getattr(optim, name)(params, maximize=maximize, **options)
    given = []
    for t in range(3):
        step(optimizer, params, tg.tensor, t)
        given += [(p.grad, g) for p, g in zip(params, gradients(t), strict=True) if g is not None]
    for grad, g in given:
        np.testing.assert_array_equal(grad.numpy(), g)


def test_a_backward_that_needs_the_old_values_says_so():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    loss = (w * w).sum()
    w.grad = tg.ones(2)
    optimizer.step()
    with pytest.raises(RuntimeError, match="'mul' needs an operand.*overwritten"):
        loss.backward()


def test_a_parameter_without_a_gradient_is_not_noted_as_written():
    w, v = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([w, v], lr=0.1)
    loss = (v * v).sum()
    w.grad = tg.ones(2)
    optimizer.step()
    loss.backward()
    np.testing.assert_array_equal(v.grad.numpy(), [2.0, 4.0])


def test_nothing_is_recorded():
    w = tg.tensor([1.0], requires_grad=True)
    w.grad = tg.ones(1)
    optim.Adam([w]).step()
    assert w.is_leaf and w.requires_grad


# Gradients to zero, and closures


def test_zero_grad_forgets_or_zeroes():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = grad = tg.ones(2)
    optimizer.zero_grad(set_to_none=False)
    np.testing.assert_array_equal(w.grad.numpy(), [0.0, 0.0])
    np.testing.assert_array_equal(grad.numpy(), [0.0, 0.0])
    optimizer.zero_grad()
    assert w.grad is None
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is None


def test_a_closure_is_recorded_and_its_loss_returned():
    w = tg.tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4.0
    assert w.item() == 1.0
    assert optimizer.step() is None


def test_training_goes_down():
    tg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    x = tg.randn(64, 2)
    target = (x[:, :1] * x[:, 1:]).detach()
    optimizer = optim.Adam(net.parameters(), lr=0.03)
    losses = []
    for _ in range(150):
        loss = nn.MSELoss()(net(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


# Errors


def test_no_parameters_are_an_error():
    net = nn.Linear(2, 2)
    used_up = net.parameters()
    list(used_up)
    for params in ([], used_up, nn.ReLU().parameters()):
        with pytest.raises(ValueError, match="SGD: got no parameters"):
            optim.SGD(params, lr=0.1)


def test_one_tensor_is_an_error_that_says_to_put_it_in_a_list():
    with pytest.raises(TypeError, match="put it in a list"):
        optim.SGD(tg.ones(2, requires_grad=True), lr=0.1)


@pytest.mark.parametrize("params", [[1.0], [np.ones(2)], [("weight", 1)]])
def test_what_is_no_tensor_is_an_error(params):
    with pytest.raises(TypeError, match="expected Tensors to optimize, got"):
        optim.Adam(params)


def test_a_parameter_given_twice_is_an_error():
    w = tg.ones(2, requires_grad=True)
    for params in ([w, w], [{"params": [w]}, {"params": w}]):
        with pytest.raises(ValueError, match=r"a parameter of shape \(2,\) is given twice"):
            optim.SGD(params, lr=0.1)


def test_a_result_is_an_error_that_names_its_operation():
    w = tg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="is the result of 'mul'; only a leaf"):
        optim.SGD([w * 2], lr=0.1)


@pytest.mark.parametrize("group", [{"lr": 0.1}, [1.0]], ids=["dict", "list"])
def test_a_group_without_params_is_an_error(group):
    w = tg.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="expected a group such as"):
        optim.SGD([{"params": [w]}, group], lr=0.1)


@pytest.mark.parametrize("own", [True, False], ids=["of a group", "of all"])
@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (optim.SGD, {"lr": -0.1}, "lr of at least 0, got -0.1"),
        (optim.SGD, {"momentum": -0.1}, "momentum of at least 0"),
        (optim.SGD, {"weight_decay": -0.1}, "weight_decay of at least 0"),
        (optim.SGD, {"nesterov": True}, "Nesterov momentum needs momentum above 0"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "no dampening"),
        (optim.Adam, {"betas": (0.9, 1.0)}, r"betas of at least 0 and below 1, got \(0.9, 1.0\)"),
        (optim.AdamW, {"betas": (-0.1, 0.9)}, "AdamW: expected betas"),
        (optim.Adam, {"eps": -1e-8}, "eps of at least 0"),
    ],
)
def test_options_out_of_range_are_an_error(kind, options, words, own):
    w = tg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match=words):
        kind([{"params": [w], **options}]) if own else kind([w], **options)


def test_an_unknown_option_of_a_group_is_an_error():
    w = tg.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=r"unknown options \['learning_rate'\]"):
        optim.SGD([{"params": [w], "learning_rate": 0.1}])


def test_a_group_that_is_refused_is_not_added():
    w, v = (tg.ones(2, requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([w], lr=0.1)
    for group in ({"params": [v], "lr": -1.0}, {"params": [v, w]}):
        with pytest.raises(ValueError, match="SGD"):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": itertools.chain([v]), "lr": 0.5})
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]


def test_it_prints_its_groups():
    text = repr(optim.SGD([tg.ones(2, requires_grad=True)], lr=0.25))
    assert text.startswith("SGD (\nParameter Group 0")
    assert "lr: 0.25" in text
