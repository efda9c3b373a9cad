"""The graph, the hand-derived backward and PyTorch train alike: from equal weights, on equal batches, step for step."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.data import DataLoader, numpy_collate
from tinygrad_edu.models import RECIPES
from tinygrad_edu.train import OptimizerChoice, compare_tracks, without_dropout

STEPS = 50


def batches_of(recipe, size):
    loader = DataLoader(
        recipe.data(train=True, dtype=np.float64),
        size,
        shuffle=True,
        collate_fn=numpy_collate,
        generator=np.random.default_rng(1),
    )
    batches = list(loader)
    return [batches[i % len(batches)] for i in range(STEPS)]


# Losses are of the order of 1 (cnn, resnet) or, relative to their first, at most 1 (regression). Rounding of 1e-16 a
# step grows along the training by far less than the million that 1e-9 leaves; a wrong term shows in the first digits.
@pytest.mark.parametrize("optimizer", ["the recipe's own", "Adam"])
@pytest.mark.parametrize("name", ["regression", "cnn", "resnet"])
def test_the_three_tracks_have_equal_losses_over_fifty_steps(torch, name, optimizer):
    recipe = RECIPES[name]
    tg.manual_seed(0)
    net = without_dropout(recipe.model().double())
    choice = recipe.optimizer if optimizer != "Adam" else OptimizerChoice("Adam", {"lr": 1e-3})
    comparison = compare_tracks(net, recipe.criterion(), choice, batches_of(recipe, 16), ["graph", "by-hand", "torch"])
    losses = comparison.losses
    assert comparison.steps == STEPS
    # Six batches are all students once.
    assert losses["graph"][-6:].mean() < losses["graph"][:6].mean(), "nothing was learned"
    scale = max(1.0, losses["graph"][0])
    assert comparison.largest_difference < 1e-9 * scale


def test_with_dropout_the_graph_and_the_hand_draw_the_same_masks():
    recipe = RECIPES["cnn"]
    batches = batches_of(recipe, 8)[:5]
    tg.manual_seed(0)
    net = recipe.model().double()
    losses = []
    for track in ("graph", "by-hand"):
        tg.manual_seed(7)
        losses.append(compare_tracks(net, recipe.criterion(), recipe.optimizer, batches, [track]).losses[track])
    # As above; five steps.
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)


def test_comparing_leaves_the_model_as_it_was():
    recipe = RECIPES["regression"]
    net = recipe.model().double()
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    compare_tracks(net, recipe.criterion(), recipe.optimizer, batches_of(recipe, 16)[:3], ["graph", "by-hand"])
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert all(parameter.grad is None for parameter in net.parameters())
