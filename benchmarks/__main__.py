"""Time one training step of the MLP and the CNN: ``python -m benchmarks`` (or ``make bench``).

The tracks take turns within one run, so that a machine that slows down slows them all; figures are medians with their
quartiles, and ratios to PyTorch within the same round. Every track starts from the same weights and must reach the same
loss after the first steps, or the figures would compare different things.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import tinygrad_edu as tg
from benchmarks import bare_numpy
from tinygrad_edu import nn
from tinygrad_edu.layers.torch_twin import import_torch

LR = 0.01
# OpenMP's and OpenBLAS's threads look out for more work for a while, on the cores that the next track needs.
PAUSE = 0.1


def mlp() -> Any:
    """784-256-128-10 with relu."""
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> Any:
    """The demo's network without dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10),
    )


def steps(model: Any, x: np.ndarray, labels: np.ndarray, bare: Callable[..., float]) -> dict[str, Callable[[], float]]:
    """One training step for each track, each on a copy of the model."""
    torch = import_torch()
    from copy import deepcopy

    graph_net, hand_net, torch_net = deepcopy(model), deepcopy(model), model.to_torch()
    graph_loss, hand_loss, torch_loss = nn.CrossEntropyLoss(), nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    graph_sgd = tg.optim.SGD(graph_net.parameters(), lr=LR)
    hand_sgd = tg.optim.SGD(hand_net.parameters(), lr=LR)
    torch_sgd = torch.optim.SGD(torch_net.parameters(), lr=LR)
    tx, tlabels = tg.tensor(x), tg.tensor(labels)
    px, plabels = torch.tensor(x), torch.tensor(labels)
    weights = {name: p.array.copy() for name, p in model.named_parameters()}

    def graph() -> float:
        graph_sgd.zero_grad()
        loss = graph_loss(graph_net(tx), tlabels)
        loss.backward()
        graph_sgd.step()
        return loss.item()

    def by_hand() -> float:
        hand_sgd.zero_grad()
        loss = hand_loss(hand_net(x), labels)
        hand_net.backward(hand_loss.backward(), input_gradient=False)
        hand_sgd.step()
        return loss.item()

    def in_torch() -> float:
        torch_sgd.zero_grad()
        loss = torch_loss(torch_net(px), plabels)
        loss.backward()
        torch_sgd.step()
        return loss.item()

    def in_numpy() -> float:
        return bare(weights, x, labels, LR)

    return {"torch": in_torch, "graph": graph, "by hand": by_hand, "bare NumPy": in_numpy}


def measure(tracks: dict[str, Callable[[], float]], rounds: int, inner: int) -> dict[str, np.ndarray]:
    """Seconds for a step, one figure for each track and round."""
    times: dict[str, list[float]] = {name: [] for name in tracks}
    order = list(tracks.items())
    for _ in range(rounds):
        order.append(order.pop(0))  # nobody always comes after the same one
        for name, step in order:
            time.sleep(PAUSE)
            step()
            start = time.perf_counter()
            for _ in range(inner):
                step()
            times[name].append((time.perf_counter() - start) / inner)
    return {name: np.array(values) for name, values in times.items()}


def table(title: str, times: dict[str, np.ndarray]) -> Table:
    """Median milliseconds with quartiles, and the ratio to PyTorch round by round."""
    result = Table("track", "ms a step", "quartiles", "ratio to torch", "quartiles", title=title)
    for name, seconds in times.items():
        low, middle, high = np.percentile(seconds * 1e3, [25, 50, 75])
        r_low, r_middle, r_high = np.percentile(seconds / times["torch"], [25, 50, 75])
        result.add_row(
            name, f"{middle:.2f}", f"{low:.2f} – {high:.2f}", f"{r_middle:.2f}", f"{r_low:.2f} – {r_high:.2f}"
        )
    return result


def main(
    rounds: Annotated[int, typer.Option(help="How often the tracks take turns.")] = 15,
    inner: Annotated[int, typer.Option(help="Steps of each track in a turn.")] = 10,
    batch: Annotated[int, typer.Option(help="Samples in a batch.")] = 64,
) -> None:
    """Time one training step (forward, backward, plain SGD) of the MLP and the CNN, float32, on every track."""
    console = Console()
    torch = import_torch()
    console.print(f"NumPy {np.__version__}, PyTorch {torch.__version__} with {torch.get_num_threads()} threads")
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, batch)
    for title, model, shape, bare in (
        ("MLP 784-256-128-10", mlp, (batch, 784), bare_numpy.mlp_step),
        ("CNN 2 × (conv 5×5, batch norm, relu, pool), linear", cnn, (batch, 1, 28, 28), bare_numpy.cnn_step),
    ):
        tg.manual_seed(0)
        tracks = steps(model(), generator.random(shape, np.float32), labels, bare)
        losses = {name: [step() for _ in range(3)] for name, step in tracks.items()}
        for name, values in losses.items():
            np.testing.assert_allclose(values, losses["torch"], rtol=1e-4, err_msg=f"{name} takes other steps")
        console.print(table(f"{title}, batch {batch}", measure(tracks, rounds, inner)))


if __name__ == "__main__":
    typer.run(main)
