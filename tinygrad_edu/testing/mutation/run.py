"""Breaking the library's derivatives one at a time, and seeing whether the checks notice."""

from __future__ import annotations

import ast
import contextlib
import multiprocessing
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tinygrad_edu.nn  # noqa: F401 - announces every layer and loss
from tinygrad_edu.announce import announced
from tinygrad_edu.testing.exact.form import FORM
from tinygrad_edu.testing.mutation.operators import Mutation, mutations
from tinygrad_edu.testing.mutation.sites import Site, compiled, find_sites
from tinygrad_edu.testing.mutation.trials import CHECKS, Dropped, Trial, trials_of

__all__ = ["Mutant", "Outcome", "judged", "mutants_of", "mutate"]

# Seconds that one trial of a mutant may take; right ones take a few milliseconds.
LIMIT = 5.0


@dataclass(frozen=True, eq=False)
class Mutant:
    """One wrong derivative: a site, and what is changed there."""

    site: Site
    mutation: Mutation

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """The derivative is wrong within it; whoever holds the function runs the changed code."""
        function, right = self.site.function, self.site.function.__code__
        self.mutation.put(self.mutation.new)
        try:
            wrong = compiled(self.site.node, self.site.path)
        finally:
            self.mutation.put(self.mutation.old)
        function.__code__ = wrong
        try:
            yield
        finally:
            function.__code__ = right


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Attributes
    ----------
    site, file, kind, before, after : str
        Of what, where, what is wrong, and the line as it was and is.
    line : int
    killed_by : str
        The form that contradicted first, ``error`` or ``time``; empty for a survivor.
    detail : str
        What was found wrong.
    """

    site: str
    file: str
    line: int
    kind: str
    before: str
    after: str
    killed_by: str
    detail: str

    @property
    def survived(self) -> bool:
        """Whether no check noticed."""
        return not self.killed_by

    @property
    def raised(self) -> bool:
        """Whether an exception killed it, such as that about a gradient of another shape, and no wrong value."""
        return self.killed_by in ("error", "time") or self.killed_by == "contract" and " is refused: " in self.detail


def mutants_of(site: Site) -> Iterator[Mutant]:
    """Every mutant of a site that differs from it and from those before."""
    seen = {ast.unparse(site.node)}
    for part in site.parts:
        for mutation in mutations(part, site.function.__globals__):
            mutation.put(mutation.new)
            source = ast.unparse(site.node)
            mutation.put(mutation.old)
            if source not in seen:
                seen.add(source)
                yield Mutant(site, mutation)


def judged(mutant: Mutant, trials: Sequence[Trial]) -> Outcome:
    """Run the trials of a mutant until one notices.

    Parameters
    ----------
    mutant : Mutant
    trials : sequence of Trial

    Returns
    -------
    Outcome
    """
    before, after = mutant.mutation.shown(mutant.site.lines)
    found = ("", "" if trials else "no trial reaches it")
    with mutant.installed():
        for trial in trials:
            try:
                with limited(LIMIT):
                    found = trial.failure() or found
            except Overtime:
                found = ("time", f"more than {LIMIT:g} s")
            except Exception as error:
                found = ("error", f"{type(error).__name__}: {error}".partition("\n")[0])
            if found[0]:
                break
    line = mutant.mutation.old.lineno  # type: ignore[attr-defined]
    return Outcome(mutant.site.name, mutant.site.file, line, mutant.mutation.kind, before, after, *found)


class Overtime(BaseException):
    """A trial takes too long; no exception that code under trial would catch."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`Overtime` after some seconds, where the system can."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(number: int, frame: Any) -> None:
        raise Overtime

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def mutate(
    names: Sequence[str] = (),
    *,
    limit: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
    dropped: list[Dropped] | None = None,
) -> list[Outcome]:
    """Break the derivatives of what is named, or of everything, one at a time, and run the checks on each.

    Parameters
    ----------
    names : sequence of str
        Operations and layers; all if empty. What is only part of others' derivatives, too, is left alone then.
    limit : int, optional
        So many mutants at most, drawn at random.
    seed : int, default 0
        Of the trials, and of that choice.
    jobs : int, default 1
        Processes to share the work; more than one only where the system can fork.
    progress : callable, optional
        Is told how many mutants are done, of how many.
    dropped : list of Dropped, optional
        Gets the trials that the library as it is does not pass, which are left out.

    Returns
    -------
    list of Outcome
        By file and line.
    """
    chosen = list(names) or [known.name for known in announced.values() if known.differentiable]
    trials = [trial for name in chosen for trial in trials_of(announced[name], seed, dropped)]
    trials.sort(key=lambda trial: trial.form in CHECKS)  # the slower ones last
    sites = [site for site in find_sites() if not names or belongs(site, names, trials)]
    mutants = [mutant for site in sites for mutant in mutants_of(site)]
    if limit is not None and limit < len(mutants):
        kept = set(random.Random(seed).sample(range(len(mutants)), limit))
        mutants = [mutant for i, mutant in enumerate(mutants) if i in kept]
    of_site = {site: [trial for trial in trials if reaches(trial, site)] for site in sites}
    work.clear()
    work.extend((mutant, of_site[mutant.site]) for mutant in mutants)
    outcomes = []
    with workers(jobs) as each:
        for outcome in each(judge, range(len(work))):
            outcomes.append(outcome)
            progress(len(outcomes), len(work))
    return outcomes


def belongs(site: Site, names: Sequence[str], trials: Sequence[Trial]) -> bool:
    """Whether a site is part of the derivatives of these names alone; a step's rule belongs to whoever takes it."""
    owners = {owner for owner in site.owners if owner in announced}
    if owners:
        return owners <= set(names)
    return any(site.function.__code__ in trial.reached for trial in trials)


def reaches(trial: Trial, site: Site) -> bool:
    """Whether a trial runs a site."""
    # The 60-digit form watches its own calls, so that they are not noted.
    return site.function.__code__ in trial.reached or trial.form == FORM and trial.subject.name in site.owners


# What the processes share; they are forked, as functions and open graphs cannot be sent to them.
work: list[tuple[Mutant, list[Trial]]] = []


def judge(number: int) -> Outcome:
    """The outcome of the mutant of this number."""
    return judged(*work[number])


@contextlib.contextmanager
def workers(jobs: int) -> Iterator[Callable[..., Any]]:
    """A map, by several processes if that is possible."""
    if jobs < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield map
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield lambda function, items: pool.imap(function, items, chunksize=8)
