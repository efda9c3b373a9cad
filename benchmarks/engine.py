"""Measure the engine: ``python -m benchmarks.engine``.

- a chain of n operations, forward and backward: time and memory for each, with the garbage collector off
- one elementwise operation on 16 elements, forward and backward, against PyTorch, in turns within one run
- many training steps with the garbage collector off: growth of memory and of live Tensors
- peak memory of one step of the demo's CNN, here and in PyTorch, each in a process of its own
- peak memory and time of one step of a deep MLP, with activation checkpointing and without
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.layers.torch_twin import import_torch
from tinygrad_edu.models import cnn
from tinygrad_edu.utils.checkpoint import checkpoint_sequential

BATCH = 64
DEPTH = 64


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def chain(library: Any, n: int) -> tuple[float, float, float]:
    """Seconds forward, seconds backward, bytes of graph, all for one of `n` multiplications in a row."""
    x = library.ones(1, requires_grad=True)
    before, start = resident(), time.perf_counter()
    y = x
    for _ in range(n):
        y = y * 1.0000001
    middle, grown = time.perf_counter(), resident() - before
    y.sum().backward()
    return (middle - start) / n, (time.perf_counter() - middle) / n, grown / n


def chains(console: Console, torch: Any) -> None:
    """Chains from a thousand operations to a million."""
    table = Table("operations", "µs forward", "µs backward", "bytes a node", "time / PyTorch's", title="chains")
    gc.disable()
    for n in (1_000, 10_000, 100_000, 1_000_000):
        rounds = max(1, 20_000 // n)
        ours = np.median([chain(tg, n) for _ in range(rounds)], 0)
        theirs = np.median([chain(torch, n) for _ in range(rounds)], 0)
        ratio = (ours[0] + ours[1]) / (theirs[0] + theirs[1])
        table.add_row(f"{n:,}", f"{ours[0] * 1e6:.2f}", f"{ours[1] * 1e6:.2f}", f"{ours[2]:.0f}", f"{ratio:.2f}")
    gc.enable()
    console.print(table)


def elementwise(console: Console, torch: Any, rounds: int) -> None:
    """Operations on 16 elements in chains of 200, forward and backward."""
    table = Table("operation", "µs here", "µs PyTorch", "ratio", "quartiles", title="16 elements, forward and backward")
    generator = np.random.default_rng(0)
    a, b, g = (generator.uniform(0.95, 1.05, 16).astype(np.float32) for _ in range(3))

    def run(library: Any, f: Callable[[Any, Any], Any]) -> float:
        x = library.from_numpy(a.copy()).requires_grad_()
        y = library.from_numpy(b.copy()).requires_grad_()
        seed = library.from_numpy(g.copy())
        start = time.perf_counter()
        z = x
        for _ in range(200):
            z = f(z, y)
        z.backward(seed)
        return (time.perf_counter() - start) / 200

    for name, f in {
        "x * y": lambda x, y: x * y,
        "x + y": lambda x, y: x + y,
        "x / y": lambda x, y: x / y,
        "tanh": lambda x, y: x.tanh(),
        "x * 0.5": lambda x, y: x * 0.5,
        "x - y": lambda x, y: x - y,
    }.items():
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(run(tg, f))
            theirs.append(run(torch, f))
        low, middle, high = np.percentile(np.array(ours) / np.array(theirs), [25, 50, 75])
        table.add_row(
            name,
            f"{np.median(ours) * 1e6:.2f}",
            f"{np.median(theirs) * 1e6:.2f}",
            f"{middle:.2f}",
            f"{low:.2f} – {high:.2f}",
        )
    console.print(table)


def live_tensors() -> int:
    """Number of Tensors that the garbage collector knows of."""
    # Not isinstance, which asks some lazy objects for their class and wakes them.
    return sum(issubclass(type(item), tg.Tensor) for item in gc.get_objects())


def training(console: Console, steps: int) -> None:
    """A small network trained with the garbage collector off."""
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 1))
    loss, optimizer = nn.MSELoss(), tg.optim.Adam(net.parameters())
    x, target = tg.randn(32, 8), tg.randn(32, 1)

    def step() -> None:
        optimizer.zero_grad()
        loss(net(x), target).backward()
        optimizer.step()

    for _ in range(100):
        step()
    gc.collect()
    tensors = live_tensors()
    before = resident()
    gc.disable()
    for _ in range(steps):
        step()
    grown = resident() - before
    alive = live_tensors()
    gc.enable()
    console.print(
        f"{steps:,} training steps without the garbage collector: memory grew by {grown / 1024:.0f} KiB, "
        f"live Tensors from {tensors} to {alive}"
    )


def growth(step: Callable[[], Any]) -> int:
    """By how many bytes a step raises the peak of this process's memory (Linux)."""
    before = resident()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # starts the peak anew
    step()
    with open("/proc/self/status", encoding="ascii") as file:
        highest = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    return highest - before


def peak(library: str, answer: Any) -> None:
    """Put into `answer` by how much one step of the demo's CNN raised the peak of this process's memory."""
    generator = np.random.default_rng(0)
    images = generator.random((BATCH, 1, 28, 28), np.float32)
    labels = generator.integers(0, 10, BATCH)
    net: Any = cnn()
    loss: Any = nn.CrossEntropyLoss()
    convert: Callable[[np.ndarray], Any] = tg.tensor
    if library == "torch":
        net, loss, convert = net.to_torch(), loss.to_torch(), import_torch().tensor
    x, target = convert(images), convert(labels)
    loss(net(x[:2]), target[:2]).backward()  # loads code and makes the gradients
    answer.put(growth(lambda: loss(net(x), target).backward()))


def in_processes(target: Callable[..., None], cases: tuple, rounds: int) -> np.ndarray:
    """Medians of what a function answers for each case, in fresh processes that take turns."""
    context = multiprocessing.get_context("spawn")
    found: list[list[Any]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, values in zip(cases, found, strict=True):
            answer = context.Queue()
            process = context.Process(target=target, args=(case, answer))
            process.start()
            values.append(answer.get())
            process.join()
    return np.median(found, 1)


def peaks(console: Console, rounds: int) -> None:
    """The peaks of both libraries."""
    ours, theirs = in_processes(peak, ("tinygrad_edu", "torch"), rounds) / 2**20
    console.print(
        f"peak memory of one step of the demo's CNN, batch {BATCH}: {ours:.1f} MiB here, {theirs:.1f} MiB in PyTorch, "
        f"ratio {ours / theirs:.2f}"
    )


def deep(segments: int, answer: Any) -> None:
    """Put into `answer` the peak, the seconds and a digest of the gradients of a step of a deep MLP."""
    tg.manual_seed(0)
    net = nn.Sequential(*[layer for _ in range(DEPTH) for layer in (nn.Linear(128, 128), nn.Tanh())])
    x = tg.randn(4096, 128)

    def step(x: tg.Tensor = x) -> None:
        y = checkpoint_sequential(net, segments, x) if segments else net(x)
        y.square().mean().backward()

    step(x[:2])  # loads code and makes the gradients
    net.zero_grad(set_to_none=False)
    grown = growth(step)
    digest = hashlib.sha256(b"".join(p.grad.numpy().tobytes() for p in net.parameters())).digest()
    start = time.perf_counter()
    step()
    answer.put((grown, time.perf_counter() - start, int.from_bytes(digest[:4])))


def checkpointing(console: Console, rounds: int) -> None:
    """The same step with all activations kept, and with checkpoints."""
    segments = round(DEPTH**0.5)
    (kept, seconds, digest), (again, longer, same) = in_processes(deep, (0, segments), rounds)
    console.print(
        f"peak memory of one step of an MLP of {DEPTH} layers: {kept / 2**20:.0f} MiB, in {segments} checkpointed "
        f"segments {again / 2**20:.0f} MiB: {kept / again:.1f} times less, in {longer / seconds:.2f} times the time; "
        f"gradients {'bit-equal' if digest == same else 'DIFFERENT'}"
    )


def main(
    steps: Annotated[int, typer.Option(help="Training steps without the garbage collector.")] = 10_000,
    rounds: Annotated[int, typer.Option(help="How often the elementwise operations take turns.")] = 50,
) -> None:
    """Measure the engine's time and memory, against PyTorch where there is a counterpart (Linux)."""
    console = Console()
    torch = import_torch()
    torch.set_num_threads(1)
    elementwise(console, torch, rounds)
    chains(console, torch)
    training(console, steps)
    peaks(console, 3)
    checkpointing(console, 3)


if __name__ == "__main__":
    typer.run(main)
