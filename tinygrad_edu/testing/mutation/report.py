"""What mutation testing found, for reading."""

from __future__ import annotations

import fnmatch
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from tinygrad_edu.testing.mutation.operators import KINDS
from tinygrad_edu.testing.mutation.run import Outcome
from tinygrad_edu.testing.mutation.trials import Dropped

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
    dropped : sequence of Dropped
        The trials that were left out, as the library as it is does not pass them.
    """

    outcomes: list[Outcome]
    equivalents: list[Equivalent]
    dropped: Sequence[Dropped] = ()

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
            "raised": sum(o.raised for o in self.outcomes),
            "killed_by": dict(Counter(o.killed_by for o in self.outcomes if o.killed_by)),
            "dropped": [asdict(d) for d in self.dropped],
            "outcomes": [asdict(o) for o in self.outcomes],
        }

    def as_markdown(self) -> str:
        """The tables of operators, of equivalent mutants and of trials left out, for a page."""
        return "\n\n".join([self._by_operator(), self._by_argument(), self._left_out()])

    def _by_operator(self) -> str:
        known = set(self.equivalent)
        rows = []
        for kind, (what, before, after) in KINDS.items():
            found = [o for o in self.outcomes if o.kind == kind]
            rows.append((kind, what, before, after, *map(str, counted(found, known))))
        total = ("**all**", "", "", "", *map(str, counted(self.outcomes, known)))
        heads = (
            "operator",
            "what is wrong",
            "from",
            "to",
            "mutants",
            "by a wrong value",
            "by an exception",
            "equivalent",
        )
        return tabulated(heads, [*rows, total])

    def _by_argument(self) -> str:
        reasons: dict[str, list[Outcome]] = defaultdict(list)
        for o in self.equivalent:
            reasons[next(known.reason for known in self.equivalents if known.covers(o))].append(o)
        rows = [
            (str(len(found)), reason, ", ".join(f"`{site}`" for site in dict.fromkeys(o.site for o in found)))
            for reason, found in sorted(reasons.items(), key=lambda pair: -len(pair[1]))
        ]
        return tabulated(("mutants", "why nothing can tell them apart", "in"), rows)

    def _left_out(self) -> str:
        rows = []
        for form, other, found in self.groups():
            ordinary = [d for d in found if d.finite]
            rows.append((form, other, str(len(found)), str(len(ordinary)), names(ordinary or found)))
        return tabulated(("form", "held against", "trials", "of these on finite numbers", "of"), rows)

    def groups(self) -> list[tuple[str, str, list[Dropped]]]:
        """The trials that were left out, by form and by what contradicted it."""
        found: dict[tuple[str, str], list[Dropped]] = defaultdict(list)
        for d in self.dropped:
            found[d.form or "inputs", d.other if d.form else "refused"].append(d)
        return [(*pair, of) for pair, of in sorted(found.items(), key=lambda item: -len(item[1]))]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("", no_wrap=True)
        for heading in ("mutants", "by a wrong value", "by an exception", "equivalent", "survived"):
            table.add_column(heading, justify="right")
        known, missed = set(self.equivalent), set(self.survivors)
        files = list(dict.fromkeys(o.file for o in self.outcomes))
        for file in [*files, None]:
            found = [o for o in self.outcomes if file in (o.file, None)]
            by = Counter(o.killed_by for o in found if o.killed_by)
            numbers = (*counted(found, known), len(missed & set(found)))
            style = "bold" if file is None else "red" if numbers[-1] else ""
            table.add_row(file or "all", *map(str, numbers), style=style)
        yield table
        forms = ", ".join(f"{form} {count}" for form, count in by.most_common())
        yield Text(f"Killed by: {forms}.", "dim")
        if self.dropped:
            yield Text(f"Left out are {len(self.dropped)} trials that the library as it is does not pass:", "dim")
        for form, other, dropped in self.groups():
            yield Text(f"  {len(dropped)} {form}, {other}: {names(dropped)}", "dim", no_wrap=True, overflow="ellipsis")
        for o in self.survivors:
            yield Text(f"{o.file}:{o.line} {o.site}: {o.kind} survived{f' ({o.detail})' if o.detail else ''}", "red")
            yield Text(f"    - {o.before}\n    + {o.after}")


def counted(found: list[Outcome], known: set[Outcome]) -> tuple[int, int, int, int]:
    """Mutants, those killed by a wrong value, those killed by an exception, and those that are equivalent."""
    killed, raised = (sum(map(test, found)) for test in (lambda o: not o.survived, lambda o: o.raised))
    return len(found), killed - raised, raised, len(known & set(found))


def tabulated(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def names(found: Sequence[Dropped], most: int = 12) -> str:
    """Which operations and layers these are of."""
    of = list(dict.fromkeys(d.name for d in found))
    return ", ".join(of[:most]) + (f" and {len(of) - most} more" if len(of) > most else "")
