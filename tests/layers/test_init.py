"""Initialisation: bounds, variances, fans, and that nothing is recorded."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.nn import init

SHAPE = (300, 200)  # out, in


@pytest.mark.parametrize(
    ("fill", "options", "std"),
    [
        (init.kaiming_normal_, {}, (2 / 200) ** 0.5),
        (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "relu"}, (2 / 300) ** 0.5),
        (init.kaiming_normal_, {"nonlinearity": "tanh"}, 5 / 3 / 200**0.5),
        (init.kaiming_uniform_, {"a": 5**0.5}, (1 / 3 / 200) ** 0.5),
        (init.kaiming_uniform_, {}, (2 / 200) ** 0.5),
        (init.xavier_normal_, {}, (2 / 500) ** 0.5),
        (init.xavier_uniform_, {"gain": 2.0}, 2 * (2 / 500) ** 0.5),
        (init.normal_, {"mean": 0.0, "std": 3.0}, 3.0),
        (init.uniform_, {"a": -3.0, "b": 3.0}, 3**0.5),
    ],
)
def test_the_standard_deviation_is_the_papers_and_torchs(torch, fill, options, std):
    tg.manual_seed(0)
    x = tg.empty(SHAPE, dtype=tg.float64)
    assert fill(x, **options) is x
    values = x.numpy()
    # 60,000 draws: the standard deviation is off by 0.3 %, the mean by 0.4 % of it; five of which are allowed.
    assert values.std() == pytest.approx(std, rel=0.015)
    assert values.mean() == pytest.approx(0, abs=0.02 * std)
    theirs = getattr(torch.nn.init, fill.__name__)(torch.empty(SHAPE, dtype=torch.float64), **options).numpy()
    assert theirs.std() == pytest.approx(std, rel=0.015)
    if "uniform" in fill.__name__:
        assert np.abs(values).max() <= 3**0.5 * std
        assert np.abs(values).max() > 0.999 * 3**0.5 * std


def test_fans_of_a_kernel_count_its_pixels():
    tg.manual_seed(0)
    kernel = init.kaiming_normal_(tg.empty(64, 16, 5, 5))
    assert kernel.std().item() == pytest.approx((2 / (16 * 25)) ** 0.5, rel=0.022)
    kernel = init.kaiming_normal_(tg.empty(64, 16, 5, 5), mode="fan_out")
    assert kernel.std().item() == pytest.approx((2 / (64 * 25)) ** 0.5, rel=0.022)


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
@pytest.mark.parametrize("param", [None, 0.2])
def test_gains_are_torchs(torch, name, param):
    assert init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param), rel=1e-15)


def test_constants_and_leaves_that_require_a_gradient():
    w = tg.nn.Parameter(tg.zeros(2, 2))
    for fill, value in ((init.ones_, 1.0), (init.zeros_, 0.0), (lambda x: init.constant_(x, 0.25), 0.25)):
        assert fill(w) is w
        assert w.tolist() == [[value] * 2] * 2
    init.xavier_uniform_(w)
    assert w.grad_fn is None
    assert w.requires_grad


def test_filling_is_seen_by_a_backward_that_needed_the_old_values():
    w = tg.nn.Parameter(tg.ones(2))
    y = (w * w).sum()
    init.zeros_(w)
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()


def test_a_generator_of_ones_own_draws():
    def drawn():
        return init.normal_(tg.empty(3), generator=tg.Generator().manual_seed(5)).tolist()

    assert drawn() == drawn()


def test_what_has_no_fans_or_gain_is_refused():
    with pytest.raises(ValueError, match=r"at least two dimensions, got shape \(3,\)"):
        init.xavier_normal_(tg.empty(3))
    with pytest.raises(ValueError, match="expected mode 'fan_in' or 'fan_out', got 'fan'"):
        init.kaiming_normal_(tg.empty(3, 3), mode="fan")
    with pytest.raises(ValueError, match="calculate_gain: expected one of linear, .*, got 'gelu'"):
        init.calculate_gain("gelu")
