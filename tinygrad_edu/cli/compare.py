"""``tinygrad-edu compare``."""

from __future__ import annotations

import numpy as np
import typer
from rich.table import Table

from tinygrad_edu.cli.console import console, plural, progress_bar
from tinygrad_edu.data import DataLoader, numpy_collate
from tinygrad_edu.models import RECIPES
from tinygrad_edu.random import manual_seed
from tinygrad_edu.train import TRACKS, Comparison, compare_tracks, have_torch, without_dropout

__all__ = ["available_tracks", "batches_of", "comparison_table", "run"]

LIMIT = 1e-9
NAMES = {"graph": "graph", "by-hand": "by hand", "torch": "PyTorch"}
NO_TORCH = 'PyTorch is not installed, so its track is left out; to have it: pip install "tinygrad_edu[torch]"'


def run(model: str, steps: int, batch_size: int, seed: int) -> None:
    """Train on every track, and show the losses."""
    recipe = RECIPES[model]
    manual_seed(seed)
    net = without_dropout(recipe.model().double())
    batches = batches_of(recipe.data(train=True, dtype=np.float64), batch_size, steps, seed)
    tracks = available_tracks()
    with progress_bar() as bar:
        task = bar.add_task("training", total=steps * len(tracks), loss="")
        comparison = compare_tracks(
            net,
            recipe.criterion(),
            recipe.optimizer,
            batches,
            tracks,
            on_step=lambda name, loss: bar.update(
                task, description=f"{NAMES[name]:<8}", advance=1, loss=f"loss {loss:.3f}"
            ),
        )
    console.print(
        f"[bold]{recipe.title}[/]: {plural(steps, 'step')} on each track, from equal weights, on equal batches"
    )
    dropout = any(type(module).__name__ == "Dropout" for module in net.modules())
    off = "; dropout is off, since each library draws other random numbers" if dropout else ""
    console.print(f"{recipe.optimizer.name}, batches of {batch_size}, float64{off}")
    console.print(comparison_table(comparison))
    agree = comparison.largest_difference <= LIMIT
    verdict = "[green]the tracks agree[/]" if agree else f"[bold red]the tracks differ by more than {LIMIT:g}[/]"
    console.print(f"largest difference {comparison.largest_difference:.1e}: {verdict}")
    if not have_torch():
        console.print(NO_TORCH, markup=False)
    if not agree:
        raise typer.Exit(1)


def available_tracks() -> list[str]:
    """The tracks that can run here, the graph's first."""
    return [name for name in TRACKS if name != "torch" or have_torch()]


def batches_of(dataset: object, batch_size: int, steps: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first batches of the dataset, shuffled; from the beginning again where it is short."""
    generator = np.random.default_rng(seed)
    batches: list[tuple[np.ndarray, np.ndarray]] = []
    while len(batches) < steps:
        loader = DataLoader(dataset, batch_size, shuffle=True, collate_fn=numpy_collate, generator=generator)
        for batch in loader:
            batches.append(batch)
            if len(batches) == steps:
                break
    return batches


def comparison_table(comparison: Comparison, rows: int = 12) -> Table:
    """The losses of each track; of many steps, some."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("step", justify="right")
    for name in comparison.losses:
        table.add_column(f"loss, {NAMES[name]}", justify="right")
    table.add_column("largest difference", justify="right")
    steps = comparison.steps
    shown = range(steps) if steps <= rows else np.unique(np.linspace(0, steps - 1, rows).round().astype(int))
    for step in shown:
        losses = [values[step] for values in comparison.losses.values()]
        table.add_row(str(step + 1), *(f"{loss:.12f}" for loss in losses), f"{max(losses) - min(losses):.1e}")
    return table
