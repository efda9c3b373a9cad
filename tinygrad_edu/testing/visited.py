"""What the inputs of a check never visited: lines that did not run, and comparisons that only ever went one way."""

from __future__ import annotations

import contextlib
import linecache
import sys
import types
from collections.abc import Iterator
from typing import Any

from tinygrad_edu.testing.exact.number import ties

__all__ = ["Visited"]

# How far above a comparison of two numbers the author's line is, at most: through an operator and NumPy.
DEPTH = 12
SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=="}
# So many are told; the rest are counted.
TOLD = 3


class Visited:
    """A record of the lines of one file that ran, and of what came of comparisons of exact numbers in them.

    Parameters
    ----------
    file : str or None
    """

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.lines: dict[types.CodeType, set[int]] = {}
        self.outcomes: dict[tuple[int, str], set[bool]] = {}
        self.ties: set[int] = set()

    @contextlib.contextmanager
    def comparing(self) -> Iterator[None]:
        """Within it comparisons of exact numbers are noted."""
        before, ties.watch = ties.watch, self._compared if self.file else None
        try:
            yield
        finally:
            ties.watch = before

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Within it lines that run are noted."""
        before = sys.gettrace()
        # Coverage and debuggers trace too, and are left to it.
        if self.file and before is None:
            sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def told(self) -> list[str]:
        """What was never visited, a sentence each."""
        idle = sorted({line for code, seen in self.lines.items() for line in _lines_of(code) - seen})
        one_way = {where: outcomes for where, outcomes in sorted(self.outcomes.items()) if len(outcomes) == 1}
        sentences = [f"line {line} never ran: {self._text(line)}" for line in idle]
        sentences += [self._one_way(line, sign, True in outcomes) for (line, sign), outcomes in one_way.items()]
        more = len(sentences) - TOLD
        return sentences[:TOLD] + ([f"{more} more lines or branches like these"] if more > 0 else [])

    def _one_way(self, line: int, sign: str, outcome: bool) -> str:
        text = self._text(line)
        # A maximum compares as well, and does not show how.
        how = f", {SIGNS[sign]} was always {'true' if outcome else 'false'}" if SIGNS[sign] in text else ""
        return f"line {line} went one way only{how}: {text}"

    def _text(self, line: int) -> str:
        return f"`{linecache.getline(self.file or '', line).strip()}`"

    def _compared(self, sign: str, outcome: bool, tie: bool) -> None:
        frame: Any = sys._getframe(2)
        for _ in range(DEPTH):
            if frame is None or frame.f_code.co_filename == self.file:
                break
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename == self.file:
            self.outcomes.setdefault((frame.f_lineno, sign), set()).add(bool(outcome))
            if tie:
                self.ties.add(frame.f_lineno)

    def _called(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != self.file:
            return None
        seen = self.lines.setdefault(frame.f_code, set())

        def ran(frame: types.FrameType, event: str, argument: Any) -> Any:
            seen.add(frame.f_lineno)
            return ran

        return ran


def _lines_of(code: types.CodeType) -> set[int]:
    """The lines of a function's body, without its `def`."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}
