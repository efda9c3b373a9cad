import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tinygrad_edu.report import Guess, Page, render
from tinygrad_edu.report.figures import Line, chart, image_uri


def page(**changes):
    rng = np.random.default_rng(0)
    losses = np.exp(-np.arange(30) / 10)
    content = {
        "title": "A <title> & more",
        "summary": "It reads 97.9 %.",
        "facts": {"read rightly": "97.9 %"},
        "model": "Sequential(\n  (0): Linear\n)",
        "losses": losses,
        "epoch_losses": [0.5, 0.2, 0.1],
        "held_out_losses": [0.4, 0.2, 0.15],
        "accuracies": [0.9, 0.95, 0.979],
        "confusion": np.eye(10, dtype=int) * 9 + np.eye(10, k=1, dtype=int),
        "filters": rng.normal(size=(4, 5, 5)),
        "example": rng.random((28, 28)),
        "responses": rng.random((4, 24, 24)),
        "right": [Guess(rng.random((28, 28)), 3, 3, 0.991)],
        "wrong": [Guess(rng.random((28, 28)), 7, 1, 0.52)],
        "checks": "<table><tr><td>Conv2d</td></tr></table>",
        "checks_summary": "All agree.",
        "agreement": {"graph": losses, "by-hand": losses, "torch": losses + 1e-15},
        "agreement_summary": "They differ by at most 1e-15.",
        "left_out": [],
        "details": {"seed": "0"},
    }
    return Page(**{**content, **changes})


class Reader(HTMLParser):
    """Collects tags and attributes, and sees that elements are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def test_the_page_refers_to_nothing_outside_itself():
    text = render(page())
    targets = [
        value
        for _, attributes in read(text).tags
        for name, value in attributes.items()
        if name in ("src", "srcset", "href", "xlink:href", "action", "data")
    ]
    targets += re.findall(r"(?:url|@import)\s*\(?\s*[\"']?([^)\"']*)", text)
    assert targets and all(target.startswith(("data:", "#")) for target in targets)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in read(text).tags}
    # The only addresses are the names of the SVG's vocabularies.
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_every_image_and_figure_says_what_it_shows():
    tags = read(render(page())).tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    figures = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(images) == 4 * 2 + 1 + 2 and len(figures) == 4
    assert all(attributes["alt"] for attributes in images)
    assert all(attributes["role"] == "img" and len(attributes["aria-label"]) > 30 for attributes in figures)


def test_names_within_the_figures_do_not_clash():
    ids = [attributes["id"] for _, attributes in read(render(page())).tags if "id" in attributes]
    # Glyph-free figures repeat matplotlib's group names; what is referred to must be unique.
    referred = re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", render(page()))
    assert referred and all(ids.count(name) == 1 for name in referred)


def test_text_is_escaped_and_a_table_of_checks_is_not():
    text = render(page())
    assert "<h1>A &lt;title&gt; &amp; more</h1>" in text
    assert "<td>Conv2d</td>" in text


def test_figures_take_their_colours_from_the_page_so_that_dark_mode_reaches_them():
    svg = chart([Line("a", [1, 2], [1, 2]), Line("b", [1, 2], [2, 1])], "Two lines that cross each other.", "x", "y")
    assert {"var(--ink)", "var(--rule)", "var(--series-1)", "var(--series-2)"} <= set(re.findall(r"var\([^)]*\)", svg))
    assert re.findall(r"#(?!0)[0-9a-f]{6}\b", svg) == []


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"agreement": {}}, "The same training"),
        ({"agreement": {"graph": np.ones(30)}}, "powers of ten"),
        ({"wrong": []}, "read as"),
    ],
)
def test_a_part_without_content_is_left_out(changes, absent):
    assert absent in render(page())
    read(render(page(**changes)))
    assert absent not in render(page(**changes))


def test_what_was_left_out_is_said():
    assert "PyTorch is missing" in render(page(left_out=["PyTorch is missing"]))
    assert "Left out" not in render(page())


@pytest.mark.parametrize(
    "agreement", [{"graph": np.ones(1), "torch": np.ones(1)}, {"graph": np.ones(3), "torch": np.zeros(3)}]
)
def test_tracks_that_agree_exactly_or_not_at_all_can_be_drawn(agreement):
    text = render(page(agreement=agreement))
    read(text)
    # The second track's line stands in both charts, with all its steps.
    lines = re.findall(r'<path d="([^"]*)" clip-path="[^"]*" style="fill: none; stroke: var\(--series-3\)', text)
    assert [line.count("M") + line.count("L") for line in lines] == [len(agreement["graph"])] * 2


def test_the_confusion_matrix_names_rows_and_columns():
    tags = read(render(page())).tags
    scopes = [attributes.get("scope") for tag, attributes in tags if tag == "th"]
    assert scopes.count("col") == 11 and scopes.count("row") == 10


def test_an_image_keeps_its_pixels():
    import base64
    import io

    from matplotlib.image import imread

    image = np.array([[0.0, 1.0], [0.5, 0.25]])
    kind, content = image_uri(image).split(",")
    assert kind == "data:image/png;base64"
    pixels = imread(io.BytesIO(base64.b64decode(content)))[..., 0]
    # From white paper to black ink, in 256 levels.
    np.testing.assert_allclose(pixels, 1 - image, atol=2 / 255)
