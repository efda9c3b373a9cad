"""``tinygrad-edu train``."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinygrad_edu.cli.console import UserError, console, explained, plural, progress_bar, seconds
from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.models import RECIPES
from tinygrad_edu.random import manual_seed
from tinygrad_edu.train import fit, load_checkpoint, make_track, save_checkpoint, steps_per_epoch

__all__ = ["checked_target", "run"]


def run(
    model: str,
    track_name: str,
    epochs: int | None,
    lr: float | None,
    batch_size: int | None,
    seed: int,
    save: Path | None,
    load: Path | None,
    max_steps: int | None,
) -> None:
    """Train, epoch by epoch."""
    recipe = RECIPES[model]
    epochs, batch_size = epochs or recipe.epochs, batch_size or recipe.batch_size
    if lr is not None:
        if not lr > 0 or not math.isfinite(lr):
            raise UserError(f"--lr: a learning rate is a positive number, got {lr}")
        recipe = replace(recipe, optimizer=replace(recipe.optimizer, options={**recipe.optimizer.options, "lr": lr}))
    if save is not None:
        checked_target(save, "--save")

    manual_seed(seed)
    net = recipe.model()
    with explained(MissingExtraError):
        track = make_track(track_name, net, recipe.criterion(), recipe.optimizer)
    done = 0
    if load is not None:
        with explained(OSError, ValueError):
            done = load_checkpoint(load, track, kind=model)["epoch"]
        if done >= epochs:
            raise UserError(
                f"--load: {load} has {plural(done, 'epoch')} of training behind it already; ask for more with "
                f"--epochs, for example --epochs {done + recipe.epochs}"
            )
    train, held_out = recipe.data(train=True), recipe.data(train=False)
    count = sum(parameter.numel() for parameter in net.parameters())
    console.print(f"[bold]{recipe.title}[/], {track_name} track")
    console.print(
        f"{plural(count, 'parameter')}, {len(train):,} samples to learn from, {len(held_out):,} held out; "
        f"{recipe.optimizer.name} with learning rate {recipe.optimizer.options['lr']:g}, batches of {batch_size}, "
        f"seed {seed}"
    )
    if done:
        console.print(f"continued after epoch {done} of {load}", markup=False)

    # Long trainings show some of their epochs only.
    every = max(1, math.ceil((epochs - done) / 20))
    with progress_bar() as bar, explained(FloatingPointError):
        task = bar.add_task(
            "training", total=(epochs - done) * steps_per_epoch(len(train), batch_size, max_steps), loss=""
        )
        epoch = None
        for epoch in fit(
            track,
            train,
            held_out,
            epochs,
            batch_size=batch_size,
            decay=recipe.decay,
            augment=recipe.augment,
            lr=recipe.optimizer.options["lr"],
            seed=seed,
            done=done,
            max_steps=max_steps,
            on_step=lambda loss: bar.update(task, advance=1, loss=f"loss {loss:.3f}"),
        ):
            if epoch.number % every == 0 or epoch.number in (1, epochs):
                right = "" if epoch.accuracy is None else f"   held-out accuracy [bold]{epoch.accuracy:.1%}[/]"
                console.print(
                    f"epoch {epoch.number:>{len(str(epochs))}}/{epochs}   loss {epoch.loss:.4f}   held-out loss "
                    f"{epoch.held_out_loss:.4f}{right}   [dim]{seconds(epoch.seconds)}[/]"
                )
    state = track.state()
    if model == "regression":
        slope, intercept = (float(np.ravel(state["model"][f"0.{name}"].array)[0]) for name in ("weight", "bias"))
        console.print(
            f"learned: score = {slope:.2f} × hours + {intercept:.2f} "
            "(the data were made with 5.2 and 38, and noise of standard deviation 4)"
        )
    if save is not None:
        with explained(OSError):
            save_checkpoint(save, track, epochs, kind=model, seed=seed)
        console.print(f"saved in {save}; go on with --load {save} --epochs {2 * epochs}", markup=False)


def checked_target(path: Path, option: str) -> None:
    """Refuse a file that could not be written, before the work is done rather than after it."""
    if path.is_dir():
        raise UserError(f"{option}: {path} is a folder; name a file, for example {path / 'model.safetensors'}")
    if not path.parent.is_dir():
        raise UserError(f"{option}: the folder {path.parent} does not exist")
