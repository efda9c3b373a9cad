import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.data import TensorDataset, exam_scores
from tinygrad_edu.models import RECIPES
from tinygrad_edu.train import OptimizerChoice, evaluate, fit, load_checkpoint, make_track, save_checkpoint

TRACKS = ["graph", "by-hand", "torch"]


@pytest.fixture(autouse=True)
def torch_where_its_track_is_a_parameter(request):
    if "torch" in getattr(getattr(request.node, "callspec", None), "params", {}).values():
        request.getfixturevalue("torch")


def small_images():
    rng = np.random.default_rng(0)
    return TensorDataset(rng.random((40, 1, 6, 6), np.float32), rng.integers(0, 3, 40))


def small_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(16, 3),
    )


def small_track(name, seed=0, optimizer="SGD", **options):
    tg.manual_seed(seed)
    choice = OptimizerChoice(optimizer, {"lr": 0.05, **options})
    return make_track(name, small_net(), nn.CrossEntropyLoss(), choice)


def weights(track):
    return {name: value.numpy().copy() for name, value in track.state()["model"].items()}


@pytest.mark.parametrize("name", TRACKS)
def test_regression_finds_the_line_of_least_squares(name):
    recipe = RECIPES["regression"]
    tg.manual_seed(0)
    net = recipe.model()
    track = make_track(name, net, recipe.criterion(), recipe.optimizer)
    # Whole batches, so that the line settles: the slowest of the two directions decays by 1 % a step.
    *_, last = fit(track, exam_scores(), exam_scores(train=False), 1000, batch_size=96, lr=0.025)
    hours, scores = (column.numpy()[:, 0] for column in exam_scores().tensors)
    slope, intercept = np.polyfit(hours, scores, 1)
    state = track.state()["model"]
    # 0.99^1000 of the first error of 38 is left: 2e-3.
    assert abs(state["0.weight"].item() - slope) < 0.005
    assert abs(state["0.bias"].item() - intercept) < 0.005
    assert last.accuracy is None and last.number == 1000 and len(last.losses) == 1


@pytest.mark.parametrize("name", TRACKS)
def test_training_continued_from_a_checkpoint_goes_as_if_never_stopped(name, tmp_path):
    if name == "torch":
        import torch

        torch.manual_seed(0)
    data = small_images()
    options = {"batch_size": 8, "lr": 0.05, "decay": True, "seed": 3}
    whole = small_track(name, momentum=0.9)
    if name == "torch":  # PyTorch's dropout draws from a generator of its own
        whole.net[5].p = 0.0
    list(fit(whole, data, data, 4, **options))

    first = small_track(name, momentum=0.9)
    again = small_track(name, seed=99, momentum=0.9)
    if name == "torch":
        first.net[5].p = again.net[5].p = 0.0
    for epoch in fit(first, data, data, 4, **options):
        if epoch.number == 2:
            break
    save_checkpoint(tmp_path / "a", first, 2)
    done = load_checkpoint(tmp_path / "a", again)["epoch"]
    assert [epoch.number for epoch in fit(again, data, data, 4, done=done, **options)] == [3, 4]
    for key, value in weights(whole).items():
        np.testing.assert_array_equal(weights(again)[key], value)


@pytest.mark.parametrize("source", TRACKS)
@pytest.mark.parametrize("target", TRACKS)
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_a_checkpoint_of_one_track_goes_on_on_another(source, target, optimizer, tmp_path):
    data = small_images()
    a, b = (small_track(name, seed, optimizer) for name, seed in ((source, 0), (target, 1)))
    list(fit(a, data, data, 1, batch_size=8))
    save_checkpoint(tmp_path / "a", a, 1, kind="small")
    load_checkpoint(tmp_path / "a", b, kind="small")
    for key, value in weights(a).items():
        np.testing.assert_array_equal(weights(b)[key], value)
    # One more step, dropout off, from the same state of the optimizer.
    x, target_labels = (tensor[:8] for tensor in data.tensors)
    losses = []
    for track in (a, b):
        track.train(False)
        losses.append([track.step(x, target_labels) for _ in range(3)])
    # float32 in other orders of summation.
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_a_checkpoint_of_something_else_is_refused_and_changes_nothing(tmp_path):
    track = small_track("graph")
    before = weights(track)
    tg.save({"weight": tg.ones(2)}, tmp_path / "weights")
    with pytest.raises(ValueError, match="holds no checkpoint"):
        load_checkpoint(tmp_path / "weights", track)
    other = make_track("graph", nn.Sequential(nn.Linear(2, 2)), nn.MSELoss(), OptimizerChoice("SGD", {"lr": 0.1}))
    save_checkpoint(tmp_path / "other", other, 1, kind="other")
    with pytest.raises(ValueError, match="is a checkpoint of kind 'other', expected 'small'"):
        load_checkpoint(tmp_path / "other", track, kind="small")
    with pytest.raises(ValueError, match="does not fit this model"):
        load_checkpoint(tmp_path / "other", track)
    for key, value in weights(track).items():
        np.testing.assert_array_equal(before[key], value)


@pytest.mark.parametrize("name", TRACKS)
def test_evaluation_depends_neither_on_batches_nor_on_dropout_and_leaves_statistics_alone(name):
    data = small_images()
    track = small_track(name)
    list(fit(track, data, data, 1, batch_size=8))
    before = weights(track)
    outputs = [evaluate(track, data, size)[0] for size in (40, 7, 40)]
    # float32; matrix products of other sizes sum in other orders.
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(outputs[0], outputs[2])
    loss = evaluate(track, data, 7)[2]
    log_p = outputs[0] - np.log(np.exp(outputs[0]).sum(1, keepdims=True))
    assert loss == pytest.approx(-log_p[np.arange(40), data.tensors[1]].mean(), rel=1e-5)
    for key, value in weights(track).items():
        np.testing.assert_array_equal(before[key], value)


def test_evaluation_records_nothing_and_leaves_training_mode_on():
    data = small_images()
    track = small_track("graph")
    evaluate(track, data)
    assert all(module.training for module in track.net.modules())
    assert all(parameter.grad is None for parameter in track.net.parameters())


@pytest.mark.parametrize("name", ["graph", "by-hand"])
def test_the_same_seed_gives_the_same_weights(name):
    data = small_images()
    results = []
    for seed in (0, 0, 1):
        track = small_track(name)
        list(fit(track, data, data, 2, batch_size=8, seed=seed))
        results.append(weights(track)["6.weight"])
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_the_rate_falls_along_a_cosine():
    data = small_images()
    track = small_track("graph")
    rates = []
    for _ in fit(track, data, data, 4, lr=0.4, decay=True):
        rates.append(track.optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates, 0.2 * (1 + np.cos(np.pi * np.arange(4) / 4)))


def test_a_loss_that_is_no_number_ends_the_training_with_advice():
    data = TensorDataset(np.full((8, 1, 6, 6), np.nan, np.float32), np.zeros(8, int))
    with pytest.raises(FloatingPointError, match=r"the loss became nan in epoch 1, step 1.*smaller learning rate"):
        list(fit(small_track("graph"), data, data, 1))


def test_an_unknown_track_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="track: expected one of graph, by-hand, torch; got 'magic'"):
        small_track("magic")


def test_inputs_are_varied_before_each_step_and_not_for_evaluation():
    data = small_images()
    seen = []

    def augment(x, generator):
        seen.append(len(x))
        return x + generator.random(x.shape, np.float32)

    list(fit(small_track("by-hand"), data, data, 2, batch_size=16, augment=augment))
    assert seen == [16, 16, 8] * 2
