"""The commands and their help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ModelName", "TrackName", "app"]

app = typer.Typer(
    name="tinygrad-edu",
    help="Neural networks in NumPy whose every derivative can be read and checked.\n\n"
    "New here? Run **tinygrad-edu demo**: it trains a small network to read handwritten digits, checks its "
    "gradients, and writes a page you can open in a browser. It takes about a minute.",
    epilog="Help for one command: tinygrad-edu COMMAND --help",
    rich_markup_mode="markdown",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class ModelName(StrEnum):
    """The models that can be trained."""

    regression = "regression"
    cnn = "cnn"
    resnet = "resnet"


class TrackName(StrEnum):
    """Who computes the gradients."""

    graph = "graph"
    by_hand = "by-hand"
    torch = "torch"


Model = Annotated[
    ModelName,
    typer.Argument(
        help="regression: exam scores from hours studied. cnn: a convolutional network for digits. "
        "resnet: a residual one.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Where the random numbers start: the same seed, the same result.")]


@app.command(epilog="Example: tinygrad-edu demo --output my-first-network")
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the report and the trained weights; made if absent.")
    ] = Path("demo"),
    epochs: Annotated[int, typer.Option(min=1, help="How often to go through the training digits.")] = 12,
    seed: Seed = 0,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Exit with status 1 if a smaller share of the held-out digits is read rightly, for example 0.975.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few steps only, to see that everything runs.")] = False,
) -> None:
    """Train a small network on handwritten digits, check its gradients, write a report.

    Everything the library does, once: a convolutional network learns 4,000 digits and is tested on 1,000 others; the
    gradients of its layers are computed in several independent ways and compared; the same training is repeated by hand
    and with PyTorch; and a page with curves, mistakes and filters is written.
    """
    from tinygrad_edu.cli.demo import run

    run(output, epochs, seed, min_accuracy, quick)


@app.command(epilog="Example: tinygrad-edu train cnn --track by-hand --epochs 3 --save cnn.safetensors")
def train(
    model: Model,
    track: Annotated[
        TrackName,
        typer.Option(
            "--track",
            "-t",
            help="Who computes the gradients. graph: the recorded operations. by-hand: the backward passes derived by "
            "hand. torch: PyTorch.",
        ),
    ] = TrackName.graph,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="How often to go through the training data.", show_default="the model's own"),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate: how far to step.", show_default="the model's own")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Samples in each step.", show_default="the model's own")
    ] = None,
    seed: Seed = 0,
    save: Annotated[Path | None, typer.Option(help="Save the trained model in this file.", show_default=False)] = None,
    load: Annotated[
        Path | None,
        typer.Option(help="Go on from a file that --save has written, on any track.", show_default=False),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps in each epoch at most, to try something out.", show_default=False)
    ] = None,
) -> None:
    """Train a model and show after each epoch how it does on held-out data."""
    from tinygrad_edu.cli.train import run

    run(model.value, track.value, epochs, lr, batch_size, seed, save, load, max_steps)


@app.command(epilog="Example: tinygrad-edu compare cnn --steps 20")
def compare(
    model: Model,
    steps: Annotated[int, typer.Option(min=1, help="Training steps on each track.")] = 10,
    batch_size: Annotated[int, typer.Option(min=2, help="Samples in each step.")] = 32,
    seed: Seed = 0,
) -> None:
    """Train a model by graph, by hand and with PyTorch, and compare the losses step by step.

    All start from equal weights and see equal batches, in double precision (float64). Exit status 1 if any two losses
    differ by more than 1e-9.
    """
    from tinygrad_edu.cli.compare import run

    run(model.value, steps, batch_size, seed)


@app.command(epilog="Examples: tinygrad-edu verify, or tinygrad-edu verify Conv2d exp, or tinygrad-edu verify --all")
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Layers, losses and operations, such as Conv2d or exp; all layers and losses if omitted.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All operations, too.")] = False,
    examples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Instead of the first example of each, so many cases drawn from the ranges of all its examples.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Compute gradients in several independent ways, and compare.

    The ways are: the recorded graph, the backward derived by hand, PyTorch, differences of the function itself, and
    60-digit arithmetic. Exit status 1 if any two disagree.
    """
    from tinygrad_edu.cli.verify import run

    run(names or [], seed, everything, examples)


@app.command(epilog="Examples: tinygrad-edu check layers.py::batch_norm, or tinygrad-edu check layers.py --json")
def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE[::NAME]",
            help="A file, and in it a function that returns (y, backward), the forward of two functions such as "
            "relu_forward and relu_backward, a layer, or a torch.autograd.Function. FILE::FORWARD::BACKWARD names both. "
            "Without a name: all that is found.",
            show_default=False,
        ),
    ],
    shape: Annotated[
        list[str] | None,
        typer.Option(help="The shape of an argument, such as x=4,3. Others are guessed.", show_default=False),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="A keyword argument of the forward, such as eps=1e-5.", show_default=False),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Let gradients in shared memory, float64 for float32, and empty batches count, too."
        ),
    ] = False,
    seed: Seed = 0,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Tell whether the backward in a file is right, and if not, which term is wrong.

    The file is imported as it stands; it need not know this library. Exit status 0 if all is right, 1 if something is
    wrong, 2 if it cannot be told or the command was wrong.
    """
    from tinygrad_edu.cli.check import run

    run(target, not json, shape or [], option or [], strict, seed)


@app.command(epilog="Examples: tinygrad-edu accuracy, or tinygrad-edu accuracy Tanh CrossEntropyLoss")
def accuracy(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Layers, losses and operations, such as Conv2d or exp; all layers and losses if omitted.",
            show_default=False,
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    seed: Seed = 0,
) -> None:
    """Measure how many digits results and gradients have in float32 and float64.

    The same lines run in decimals of 390 digits on the same numbers. Exit status 1 if float32 comes back as float64.
    """
    from tinygrad_edu.cli.accuracy import run

    run(names or [], markdown, seed)


@app.command(epilog="Examples: tinygrad-edu mutate, or tinygrad-edu mutate exp Linear --json mutants.json")
def mutate(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Operations, layers and losses, such as mul or Conv2d; all if omitted.", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many mutants at most, drawn at random.", show_default=False)
    ] = None,
    seed: Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes to share the work.")] = 1,
    json: Annotated[
        Path | None,
        typer.Option("--json", help="Write every mutant and what became of it to this file.", show_default=False),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables of the documentation.", show_default=False)
    ] = None,
) -> None:
    """Put mistakes into the derivatives, one at a time, and see whether the checks notice.

    A sign, a factor, an axis, a dropped sum: each mutant is one wrong line. Exit status 1 if a mutant survives that is
    not known to compute the same.
    """
    from tinygrad_edu.cli.mutate import run

    run(names or [], limit, seed, jobs, json, markdown)


@app.command(epilog="Example: tinygrad-edu version")
def version() -> None:
    """Print the versions of tinygrad_edu and of what it runs on."""
    from tinygrad_edu.cli.version import run

    run()
