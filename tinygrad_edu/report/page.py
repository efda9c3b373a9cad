"""What the page shows, and the page made of it. Everything goes in as arrays, numbers and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.report.figures import Line, chart, image_uri

__all__ = ["Guess", "Page", "render"]

_TRACK_NAMES = {"graph": "graph", "by-hand": "by hand", "torch": "PyTorch"}
_TRACK_COLOURS = {"graph": 1, "by hand": 2, "PyTorch": 3}


@dataclass(frozen=True)
class Guess:
    """One image with what the network makes of it.

    Attributes
    ----------
    image : numpy.ndarray (H, W)
    label, prediction : int
    confidence : float
        The probability that the network gives its prediction.
    """

    image: np.ndarray
    label: int
    prediction: int
    confidence: float

    @property
    def right(self) -> bool:
        """Whether it is the label."""
        return self.label == self.prediction


@dataclass
class Page:
    """All that the page shows.

    Attributes
    ----------
    title, summary : str
        The heading, and a sentence or two below it.
    facts : mapping of str to str
        The large numbers on top, by what they say.
    model : str
        The network as it prints.
    losses : sequence of float
        Of every training step.
    epoch_losses, held_out_losses, accuracies : sequence of float
        Of every epoch.
    confusion : numpy.ndarray (C, C)
        Row: the label; column: the prediction.
    filters : numpy.ndarray (F, K, K)
        The first convolution's kernels.
    example, responses : numpy.ndarray (H, W) and (F, H', W')
        An image, and what each filter makes of it.
    right, wrong : sequence of Guess
        Chosen predictions.
    checks : str
        The table of compared gradients, in HTML.
    checks_summary : str
    agreement : mapping of str to array_like (steps,)
        The losses of each track.
    agreement_summary : str
    left_out : sequence of str
        What could not be done, and how it can.
    details : mapping of str to str
        What it takes to do the same again: seed, versions, times.
    """

    title: str
    summary: str
    facts: Mapping[str, str]
    model: str
    losses: Sequence[float]
    epoch_losses: Sequence[float]
    held_out_losses: Sequence[float]
    accuracies: Sequence[float]
    confusion: np.ndarray
    filters: np.ndarray
    example: np.ndarray
    responses: np.ndarray
    right: Sequence[Guess]
    wrong: Sequence[Guess]
    checks: str
    checks_summary: str
    agreement: Mapping[str, Any]
    agreement_summary: str
    left_out: Sequence[str] = ()
    details: Mapping[str, str] = field(default_factory=dict)


def render(page: Page) -> str:
    """Make the HTML of a page; it refers to nothing outside itself.

    Parameters
    ----------
    page : Page

    Returns
    -------
    str
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ink"] = image_uri
    environment.filters["signed"] = lambda image: image_uri(image, "RdBu_r", float(np.abs(page.filters).max()) or 1.0)
    charts = {
        "loss_chart": _loss_chart(page),
        "accuracy_chart": _accuracy_chart(page),
        "tracks_chart": _tracks_chart(page) if page.agreement else "",
        "difference_chart": _difference_chart(page) if len(page.agreement) > 1 else "",
    }
    template = environment.get_template("report.html.jinja")
    return template.render(
        page=page,
        confusion=_shares(page.confusion),
        checks=Markup(page.checks),
        **{name: Markup(svg) for name, svg in charts.items()},
    )


def _shares(confusion: np.ndarray) -> list[list[tuple[int, float]]]:
    """The counts with their share of the row, which colours the cell."""
    totals = np.maximum(confusion.sum(1, keepdims=True), 1)
    shares = confusion / totals
    return [
        [(int(count), float(share)) for count, share in zip(*row, strict=True)]
        for row in zip(confusion, shares, strict=True)
    ]


def _loss_chart(page: Page) -> str:
    steps = len(page.losses)
    ends = np.arange(1, len(page.epoch_losses) + 1) * steps / max(len(page.epoch_losses), 1)
    top = float(np.quantile(page.losses, 0.99)) if steps else 1.0
    return chart(
        [
            Line("each step", range(1, steps + 1), page.losses, 0.9, faint=True),
            Line("held-out digits", ends, page.held_out_losses, 2.2),
        ],
        f"Loss over {steps} training steps: from {page.losses[0]:.2f} in the first to {page.epoch_losses[-1]:.3f} on "
        f"average in the last epoch; on held-out digits {page.held_out_losses[-1]:.3f} in the end.",
        "training step",
        "loss",
        y_range=(0, top * 1.05),
    )


def _accuracy_chart(page: Page) -> str:
    low = min(page.accuracies)
    return chart(
        [Line("", range(1, len(page.accuracies) + 1), page.accuracies, 2.2)],
        f"Accuracy on held-out digits after each epoch: from {page.accuracies[0]:.1%} to {page.accuracies[-1]:.1%}.",
        "epoch",
        "held-out digits read rightly",
        percent=True,
        y_range=(max(0.0, low - 0.01), 1.0),
    )


def _tracks_chart(page: Page) -> str:
    named = {_TRACK_NAMES.get(name, name): np.asarray(losses) for name, losses in page.agreement.items()}
    # The lines lie on each other: widest first, so that all can be seen.
    widths = [6.0, 3.2, 1.4]
    return chart(
        [Line(name, range(1, len(y) + 1), y, w) for (name, y), w in zip(named.items(), widths, strict=False)],
        f"Losses of {', '.join(named)} over {len(next(iter(named.values())))} steps; the lines lie on each other.",
        "training step",
        "loss",
        colours=_TRACK_COLOURS,
    )


def _difference_chart(page: Page) -> str:
    reference, *others = page.agreement
    base = np.asarray(page.agreement[reference])
    lines = []
    largest = 0.0
    for name in others:
        difference = np.abs(np.asarray(page.agreement[name]) - base)
        largest = max(largest, float(difference.max()))
        # No difference at all has no place on a logarithmic axis: it is drawn on the floor.
        lines.append(Line(_TRACK_NAMES.get(name, name), range(1, len(base) + 1), np.maximum(difference, 1e-17), 1.4))
    return chart(
        lines,
        f"Difference of the losses from the {_TRACK_NAMES.get(reference, reference)} track in each step; "
        f"at most {largest:.1e}.",
        "training step",
        f"difference from the {_TRACK_NAMES.get(reference, reference)} track",
        log=True,
        y_range=(5e-18, max(largest * 10, 1e-13)),
        colours=_TRACK_COLOURS,
    )
