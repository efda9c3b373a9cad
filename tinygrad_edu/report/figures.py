"""Figures for the page, as text: curves as inline SVG in the page's own colours, images as PNG data URIs."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["Line", "chart", "image_uri"]

# A colour here stands for a name in the page's style sheet, which has a light and a dark value for it.
_INK, _GRID = "#010101", "#020202"
_SERIES = ["#030303", "#040404", "#050505"]
_STYLE_NAMES = {_INK: "var(--ink)", _GRID: "var(--rule)"} | {
    colour: f"var(--series-{i})" for i, colour in enumerate(_SERIES, start=1)
}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


class Line:
    """One line of a chart.

    Parameters
    ----------
    name : str
        For the legend; empty for none.
    x, y : sequence of float
    width : float, default 1.8
    dashes : tuple of float, optional
        Lengths of strokes and gaps.
    faint : bool, default False
        For what stands behind.
    """

    def __init__(
        self,
        name: str,
        x: Iterable[float],
        y: Iterable[float],
        width: float = 1.8,
        dashes: tuple[float, ...] | None = None,
        faint: bool = False,
    ) -> None:
        self.name = name
        self.x, self.y = list(x), list(y)
        self.width = width
        self.dashes = dashes
        self.faint = faint


def chart(
    lines: Sequence[Line],
    alt: str,
    x_label: str,
    y_label: str,
    *,
    log: bool = False,
    percent: bool = False,
    y_range: tuple[float, float] | None = None,
    colours: Mapping[str, int] | None = None,
) -> str:
    """A line chart as an SVG element.

    Parameters
    ----------
    lines : sequence of Line
    alt : str
        What the chart shows, in a sentence.
    x_label, y_label : str
    log : bool, default False
        Whether the vertical axis is logarithmic.
    percent : bool, default False
        Whether the vertical axis counts percents.
    y_range : pair of float, optional
    colours : mapping of str to int, optional
        Which of the series colours 1, 2, 3 a line of this name takes; in their order if omitted.

    Returns
    -------
    str
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": alt,
        "font.size": 10,
        "text.color": _INK,
        "axes.labelcolor": _INK,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for i, line in enumerate(lines):
            colour = _SERIES[(colours[line.name] if colours else i % 3 + 1) - 1]
            axes.plot(
                line.x,
                line.y,
                color=colour,
                linewidth=line.width,
                alpha=0.5 if line.faint else 1,
                label=line.name or None,
                dashes=line.dashes or (None, None),
                solid_capstyle="round",
                marker="o" if len(line.x) < 15 else "",
                markersize=3.5,
            )
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if log:
            axes.set_yscale("log")
        if y_range is not None:
            axes.set_ylim(*y_range)
        if percent:
            axes.yaxis.set_major_formatter(
                PercentFormatter(1, decimals=0 if axes.get_ylim()[1] - axes.get_ylim()[0] > 0.03 else 1, symbol=" %")
            )
        axes.grid(color=_GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_INK)
        axes.tick_params(which="both", color=_INK, labelcolor=_INK, length=3)
        if any(line.name for line in lines):
            axes.legend(frameon=False, labelcolor=_INK)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(text.getvalue(), alt)


def _themed(svg: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    size = re.search(r'viewBox="[^"]*"', svg).group()  # type: ignore[union-attr]
    label = html.escape(alt, quote=True)
    svg = re.sub(r"<svg[^>]*>", f'<svg {size} role="img" aria-label="{label}">', svg, count=1)
    for colour, name in _STYLE_NAMES.items():
        svg = svg.replace(colour, name)
    svg = re.sub(r"font:\s*([0-9.]+px)[^;\"]*", lambda match: f"font: {match[1]} {_FONT}", svg)
    return svg.strip()


def image_uri(image: Any, colours: str = "gray_r", limit: float | None = None) -> str:
    """A small image as a PNG data URI, one pixel for each element.

    Parameters
    ----------
    image : array_like (H, W)
    colours : str, default "gray_r"
        Name of a matplotlib colour map; the default goes from white paper to black ink.
    limit : float, optional
        Show values from -limit to limit; from 0 to the largest if omitted.

    Returns
    -------
    str
    """
    from matplotlib.image import imsave

    image = np.asarray(image, np.float64)
    low, high = (0.0, max(float(image.max()), 1e-12)) if limit is None else (-limit, limit)
    file = io.BytesIO()
    nothing: Any = {"Software": None}
    imsave(file, image, cmap=colours, vmin=low, vmax=high, format="png", metadata=nothing)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
