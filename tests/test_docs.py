"""The documentation's examples run as they stand, and what it includes from the source is there."""

import doctest
import re
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_print_what_the_page_says(page, request):
    blocks = re.findall(r"```pycon\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if any(">>> import torch" in block for block in blocks):
        request.getfixturevalue("torch")
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    found: list[str] = []
    with warnings.catch_warnings():
        # What a page says of float32.
        warnings.filterwarnings("ignore", "Input #0 requires gradient and is not a double", UserWarning)
        runner.run(test, out=found.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_included_code_is_in_the_source(page):
    text = page.read_text(encoding="utf-8")
    for name, options in re.findall(r"```\{literalinclude\} (\S+)\n(.*?)```", text, re.DOTALL):
        source = (DOCS / name).read_text(encoding="utf-8")
        for marker in re.findall(r':(?:start|end)-at: "(.+)"', options):
            assert source.count(marker) == 1, (name, marker)
        for thing in re.findall(r":pyobject: (\w+)", options):
            assert len(re.findall(rf"^(?:class|def) {thing}\b", source, re.MULTILINE)) == 1, (name, thing)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target
