"""The table of a module's parts."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


def net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    )


def test_rows_have_names_shapes_and_their_own_parameters():
    summary = net().summary(2, 1, 8, 8)
    assert [(r.name, r.kind, r.shape, r.parameters) for r in summary.rows] == [
        ("", "Sequential", (2, 10), 0),
        ("0", "Conv2d", (2, 4, 8, 8), 40),
        ("1", "BatchNorm2d", (2, 4, 8, 8), 8),
        ("2", "ReLU", (2, 4, 8, 8), 0),
        ("3", "MaxPool2d", (2, 4, 4, 4), 0),
        ("4", "Flatten", (2, 64), 0),
        ("5", "Linear", (2, 10), 650),
    ]
    assert summary.total == summary.trainable == 698
    assert net().summary((2, 1, 8, 8)).rows == summary.rows


def test_it_prints_as_a_table_and_shows_in_a_notebook():
    text = repr(net().summary(2, 1, 8, 8))
    for part in ("Conv2d", "(2, 4, 8, 8)", "650", "698 parameters"):
        assert part in text
    assert "698" in net().summary()._repr_html_()


def test_without_a_shape_there_are_counts_alone():
    assert {row.shape for row in net().summary().rows} == {None}


def test_a_run_for_shapes_changes_nothing():
    module = net().double()
    module[2].eval()
    tg.manual_seed(0)
    expected = tg.rand(2).tolist()
    tg.manual_seed(0)
    state = {k: v.numpy().copy() for k, v in module.state_dict().items()}
    module.summary(2, 1, 8, 8)
    assert tg.rand(2).tolist() == expected
    assert [m.training for m in module.modules()] == [True, True, True, False, True, True, True]
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key])
    assert all("forward" not in vars(m) for m in module.modules())
    with pytest.raises(RuntimeError, match="no call is waiting"):
        module.backward(np.zeros((2, 10)))


def test_a_shape_that_does_not_fit_is_the_layers_own_error_and_leaves_the_module_whole():
    module = net()
    with pytest.raises(ValueError, match="Conv2d: expected an input of shape"):
        module.summary(2, 3, 8, 8)
    assert module.training
    assert all("forward" not in vars(m) for m in module.modules())


def test_frozen_and_shared_parameters_are_counted_once_and_apart():
    layer = nn.Linear(3, 3)
    module = nn.Sequential(layer, layer, nn.Linear(3, 1).requires_grad_(False))
    summary = module.summary()
    assert summary.total == 12 + 4
    assert summary.trainable == 12


def test_a_module_of_ones_own_with_several_parts():
    class Mine(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 2)
            self.w = nn.Parameter(tg.ones(5))

        def forward(self, x):
            return self.a(x) + self.b(x)

    rows = Mine().summary(7, 3).rows
    assert [(r.name, r.shape, r.parameters) for r in rows] == [("", (7, 2), 5), ("a", (7, 2), 8), ("b", (7, 2), 8)]
