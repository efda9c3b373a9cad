"""The README's code runs as it stands, one block after the other."""

import re
from pathlib import Path

from tinygrad_edu.announce import announced

README = Path(__file__).parent.parent / "README.md"


def test_python_blocks_of_the_readme_run_in_order():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    names: dict = {}
    try:
        for block in blocks:
            # A newcomer trains three epochs; here one step tells whether the lines are right.
            exec(compile(block.replace("range(3)", "range(1)"), str(README), "exec"), names)
        assert names["verify"](names["SiLU"]()).ok
    finally:
        announced.pop("SiLU", None)


def test_what_the_readme_names_exists():
    root = README.parent
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8")):
        assert (root / target).exists(), target
