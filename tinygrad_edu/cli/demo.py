"""``tinygrad-edu demo``: everything the library does, once, on real digits."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.cli.checks import FORMS_MEAN, Check, as_html, as_table, check_of
from tinygrad_edu.cli.compare import NAMES, NO_TORCH, available_tracks, batches_of
from tinygrad_edu.cli.console import UserError, console, explained, heading, plural, progress_bar, seconds
from tinygrad_edu.cli.version import versions
from tinygrad_edu.layers import CrossEntropyLoss
from tinygrad_edu.models import RECIPES, Recipe
from tinygrad_edu.random import manual_seed
from tinygrad_edu.report import Guess, Page, render
from tinygrad_edu.testing import verify
from tinygrad_edu.train import (
    Comparison,
    Epoch,
    Track,
    compare_tracks,
    confusion_matrix,
    evaluate,
    fit,
    have_torch,
    make_track,
    save_checkpoint,
    steps_per_epoch,
    without_dropout,
)

__all__ = ["run"]

_CHECKED_IMAGES = 4
_NOISE = 0.02
_COMPARED_SAMPLES = 640
_COMPARED_EPOCHS = 3


@dataclass
class _Results:
    epochs: list[Epoch]
    outputs: np.ndarray
    labels: np.ndarray
    checks: list[Check]
    comparison: Comparison


def run(output: Path, epochs: int, seed: int, min_accuracy: float | None, quick: bool) -> None:
    """Train, check, compare, report."""
    start = time.perf_counter()
    _make_folder(output)
    recipe = RECIPES["cnn"]
    train, held_out = recipe.data(train=True), recipe.data(train=False)
    if quick:
        epochs = min(epochs, 2)

    heading(f"1. Training on {len(train):,} handwritten digits, by the recorded graph")
    manual_seed(seed)
    net = recipe.model()
    initial = {name: value.clone() for name, value in net.state_dict().items()}
    track = make_track("graph", net, recipe.criterion(), recipe.optimizer)
    trained = _train(track, recipe, train, held_out, epochs, seed, max_steps=3 if quick else None)
    outputs, labels, _ = evaluate(track, held_out)
    accuracy = trained[-1].accuracy or 0.0
    spent = sum(epoch.seconds for epoch in trained)
    right = int((outputs.argmax(1) == labels).sum())
    console.print(
        f"Trained in {seconds(spent)}. Of {len(labels):,} digits it has never seen it reads {right:,} rightly: "
        f"[bold]{accuracy:.1%}[/]"
    )

    heading("2. Are its gradients right? Each is computed in several ways")
    checks = _check(net, held_out)
    console.print(as_table(checks))
    console.print(f"[dim]{_checks_summary(checks)}[/]")
    for check in checks:
        if check.note:
            console.print(f"{check.name}: {check.note}", markup=False, style="dim" if check.ok else "bold red")

    tracks = available_tracks()
    heading("3. The same training again, " + _listed([f"by {_MEANS[name]}" for name in tracks]))
    net_again = recipe.model()
    net_again.load_state_dict(initial)
    comparison = _compare(net_again, recipe, tracks, seed, quick)
    console.print(_agreement_table(comparison))
    console.print(f"[dim]{_agreement_summary(comparison)}[/]")
    left_out = [] if have_torch() else [NO_TORCH]
    for note in left_out:
        console.print(note, markup=False, style="yellow")

    heading("4. The report")
    results = _Results(trained, outputs, labels, checks, comparison)
    weights, report = output / "cnn.safetensors", output / "report.html"
    with explained(OSError):
        save_checkpoint(weights, track, trained[-1].number, kind=recipe.name, seed=seed)
        report.write_text(render(_page(net, recipe, held_out, results, seed, left_out)), encoding="utf-8")
    console.print(f"[bold]{report}[/]  open it in a browser: curves, mistakes, filters, checks", soft_wrap=True)
    console.print(f"{weights}  the trained weights", markup=False, soft_wrap=True)
    console.print(f"[dim]all in {seconds(time.perf_counter() - start)}[/]")

    wrong = [check.name for check in checks if not check.ok]
    if wrong:
        raise UserError(f"the gradients of {', '.join(wrong)} disagree; see the table above")
    if comparison.largest_difference > 1e-9:
        raise UserError(
            f"the tracks' losses differ by {comparison.largest_difference:.1e}, more than rounding explains"
        )
    if min_accuracy is not None and accuracy < min_accuracy:
        raise UserError(f"the accuracy {accuracy:.2%} is below the {min_accuracy:.2%} asked for")


_MEANS = {"graph": "graph", "by-hand": "hand", "torch": "PyTorch"}


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output: {output} cannot be made a folder ({error.strerror})") from None


def _train(
    track: Track, recipe: Recipe, train: Any, held_out: Any, epochs: int, seed: int, max_steps: int | None
) -> list[Epoch]:
    steps = steps_per_epoch(len(train), recipe.batch_size, max_steps)
    done = []
    with progress_bar() as bar:
        task = bar.add_task(f"epoch 1/{epochs}", total=epochs * steps, loss="")
        for epoch in fit(
            track,
            train,
            held_out,
            epochs,
            batch_size=recipe.batch_size,
            decay=recipe.decay,
            augment=recipe.augment,
            seed=seed,
            max_steps=max_steps,
            on_step=lambda loss: bar.update(task, advance=1, loss=f"loss {loss:.3f}"),
        ):
            done.append(epoch)
            console.print(
                f"epoch {epoch.number:>{len(str(epochs))}}/{epochs}   loss {epoch.loss:.3f}   "
                f"held-out digits read rightly {epoch.accuracy:.1%}"
            )
            bar.update(task, description=f"epoch {min(epoch.number + 1, epochs)}/{epochs}")
    return done


def _check(net: Any, held_out: Any) -> list[Check]:
    """Verify every layer of the trained network on what reaches it from real digits, and the loss."""
    images, labels = (tensor.numpy()[:_CHECKED_IMAGES] for tensor in held_out.tensors)
    # On blank paper many features are exactly equal, and where the largest of several is taken there is no derivative
    # then for a numerical difference to find.
    noise = np.random.default_rng(0).uniform(0, _NOISE, images.shape)
    net = without_dropout(net).double()
    x = images + noise
    checks = [check_of("the whole network", verify(net, x))]
    for name, layer in net.named_children():
        checks.append(check_of(f"{name} {type(layer).__name__}", verify(layer, x)))
        x = np.asarray(layer.pair(x)[0])
    checks.append(check_of("CrossEntropyLoss", verify(CrossEntropyLoss(), (x, labels))))
    return checks


def _checks_summary(checks: list[Check]) -> str:
    agree = "All agree." if all(check.ok for check in checks) else "They do NOT all agree."
    return (
        f"For {_CHECKED_IMAGES} real digits, with a little noise so that no two pixels are equal, in float64 and "
        f"without dropout: the largest difference of any gradient from the one that the recorded graph gives, relative "
        f"to the gradient's largest element. {FORMS_MEAN} {agree}"
    )


def _compare(net: Any, recipe: Recipe, tracks: list[str], seed: int, quick: bool) -> Comparison:
    size = recipe.batch_size
    steps = 2 if quick else _COMPARED_EPOCHS * _COMPARED_SAMPLES // size
    once = batches_of(recipe.data(train=True, dtype=np.float64), size, _COMPARED_SAMPLES // size, seed)
    batches = [once[i % len(once)] for i in range(steps)]
    with progress_bar() as bar:
        task = bar.add_task("", total=steps * len(tracks), loss="")
        return compare_tracks(
            without_dropout(net).double(),
            recipe.criterion(),
            recipe.optimizer,
            batches,
            tracks,
            on_step=lambda name, loss: bar.update(
                task, description=f"{NAMES[name]:<8}", advance=1, loss=f"loss {loss:.3f}"
            ),
        )


def _agreement_table(comparison: Comparison) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("", "first loss", "last loss", "largest difference from the graph's"):
        table.add_column(column, justify="right" if column else "left")
    reference = next(iter(comparison.losses.values()))
    for name, losses in comparison.losses.items():
        difference = "" if losses is reference else f"{np.abs(losses - reference).max():.1e}"
        table.add_row(NAMES[name], f"{losses[0]:.12f}", f"{losses[-1]:.12f}", difference)
    return table


def _agreement_summary(comparison: Comparison) -> str:
    return (
        f"{plural(comparison.steps, 'step')} from the weights that the network above began with, on equal batches of "
        f"{_COMPARED_SAMPLES} digits, in float64; dropout is off, since PyTorch would draw another mask. "
        f"The losses differ by at most {comparison.largest_difference:.1e}."
    )


def _page(net: Any, recipe: Recipe, held_out: Any, results: _Results, seed: int, left_out: list[str]) -> Page:
    images = held_out.tensors[0].numpy()[:, 0]  # (N, 28, 28)
    logits = results.outputs - results.outputs.max(1, keepdims=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    predictions = probabilities.argmax(1)
    count = sum(parameter.numel() for parameter in net.parameters())
    accuracy = float((predictions == results.labels).mean())
    spent = sum(epoch.seconds for epoch in results.epochs)
    convolution = net[0]
    example = int(np.flatnonzero((predictions == results.labels) & (results.labels == 5))[0]) if accuracy > 0.5 else 0
    net.eval()
    response = images[None, None, example]
    for layer in net[:3]:
        response = layer.pair(response)[0]

    def guesses(chosen: Any) -> list[Guess]:
        return [
            Guess(images[i], int(results.labels[i]), int(predictions[i]), float(probabilities[i, predictions[i]]))
            for i in chosen
        ]

    return Page(
        title="A network that learned to read digits",
        summary=(
            f"A small convolutional network went through {len(recipe.data(train=True)):,} handwritten digits "
            f"{plural(len(results.epochs), 'time')}, computed with NumPy alone. Of {len(images):,} other digits, which "
            f"it never saw in training, it reads {100 * accuracy:.1f} % rightly."
        ),
        facts={
            "of the held-out digits read rightly": f"{100 * accuracy:.1f} %",
            f"to train, {plural(len(results.epochs), 'epoch')}": seconds(spent),
            "numbers learned": f"{count:,}",
            "largest difference between the tracks' losses": f"{results.comparison.largest_difference:.0e}",
        },
        model=repr(net),
        losses=[loss for epoch in results.epochs for loss in epoch.losses],
        epoch_losses=[epoch.loss for epoch in results.epochs],
        held_out_losses=[epoch.held_out_loss for epoch in results.epochs],
        accuracies=[epoch.accuracy or 0.0 for epoch in results.epochs],
        confusion=confusion_matrix(results.labels, predictions, 10),
        filters=convolution.weight.detach().numpy()[:, 0],
        example=images[example],
        responses=np.asarray(response)[0],
        right=guesses(_one_of_each(results.labels, predictions)),
        wrong=guesses(_surest_mistakes(results.labels, predictions, probabilities)),
        checks=as_html(results.checks),
        checks_summary=_checks_summary(results.checks),
        agreement=results.comparison.losses,
        agreement_summary=_agreement_summary(results.comparison),
        left_out=left_out,
        details={"seed": str(seed), "date": datetime.date.today().isoformat(), **versions()},
    )


def _one_of_each(labels: np.ndarray, predictions: np.ndarray) -> Iterator[int]:
    for digit in range(10):
        found = np.flatnonzero((labels == digit) & (predictions == digit))
        if found.size:
            yield int(found[0])


def _surest_mistakes(
    labels: np.ndarray, predictions: np.ndarray, probabilities: np.ndarray, most: int = 20
) -> np.ndarray:
    wrong = np.flatnonzero(labels != predictions)
    return wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:most]


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
