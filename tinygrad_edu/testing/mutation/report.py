"""What mutation testing found, for reading."""

from __future__ import annotations

import fnmatch
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from tinygrad_edu.testing.mutation.run import Outcome

__all__ = ["Equivalent", "MutationReport", "known_equivalents"]

TABLE = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Equivalent:
    """Mutants that compute the same as what they change, and why.

    Attributes
    ----------
    site : str
    before, after : str
        Patterns of the line, in which ``*`` stands for anything.
    reason : str
    """

    site: str
    before: str
    after: str
    reason: str

    def covers(self, outcome: Outcome) -> bool:
        """Whether a mutant is among these."""
        pairs = ((self.site, outcome.site), (self.before, outcome.before), (self.after, outcome.after))
        return all(fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")) for pattern, text in pairs)


def known_equivalents(path: Path = TABLE) -> list[Equivalent]:
    """The table of equivalent mutants.

    Parameters
    ----------
    path : Path, optional

    Returns
    -------
    list of Equivalent
    """
    groups = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
    return [
        Equivalent(group["site"], line[0], line[1] if len(line) > 1 else "*", group["reason"])
        for group in groups
        for line in group["lines"]
    ]


@dataclass(frozen=True)
class MutationReport:
    """The outcomes of all mutants; prints as a table by file, and names the survivors.

    Attributes
    ----------
    outcomes : list of Outcome
    equivalents : list of Equivalent
    """

    outcomes: list[Outcome]
    equivalents: list[Equivalent]

    @property
    def equivalent(self) -> list[Outcome]:
        """The survivors that the table knows."""
        return [o for o in self.outcomes if o.survived and any(known.covers(o) for known in self.equivalents)]

    @property
    def survivors(self) -> list[Outcome]:
        """The survivors that it does not know: the checks miss a mistake."""
        known = set(self.equivalent)
        return [o for o in self.outcomes if o.survived and o not in known]

    @property
    def ok(self) -> bool:
        """Whether every mutant was killed or is known to be equivalent."""
        return not self.survivors

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "mutants": len(self.outcomes),
            "killed": sum(not o.survived for o in self.outcomes),
            "equivalent": [asdict(o) for o in self.equivalent],
            "survivors": [asdict(o) for o in self.survivors],
            "killed_by": dict(Counter(o.killed_by for o in self.outcomes if o.killed_by)),
            "outcomes": [asdict(o) for o in self.outcomes],
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("", no_wrap=True)
        for heading in ("mutants", "killed", "by an error", "equivalent", "survived"):
            table.add_column(heading, justify="right")
        known, missed = set(self.equivalent), set(self.survivors)
        files = list(dict.fromkeys(o.file for o in self.outcomes))
        for file in [*files, None]:
            found = [o for o in self.outcomes if file in (o.file, None)]
            by = Counter(o.killed_by for o in found if o.killed_by)
            numbers = (len(found), by.total(), by["error"], len(known & set(found)), len(missed & set(found)))
            style = "bold" if file is None else "red" if numbers[-1] else ""
            table.add_row(file or "all", *map(str, numbers), style=style)
        yield table
        forms = ", ".join(f"{form} {count}" for form, count in by.most_common())
        yield Text(f"Killed by: {forms}.", "dim")
        for o in self.survivors:
            yield Text(f"{o.file}:{o.line} {o.site}: {o.kind} survived{f' ({o.detail})' if o.detail else ''}", "red")
            yield Text(f"    - {o.before}\n    + {o.after}")
