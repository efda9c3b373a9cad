"""``tinygrad-edu check``."""

from __future__ import annotations

import ast
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import typer

from tinygrad_edu.cli.checked import COLORS, Checked, as_json, lengths, show, shown, told
from tinygrad_edu.cli.console import UserError, plural, show_error
from tinygrad_edu.cli.loading import load, users_error
from tinygrad_edu.cli.source import Found, everything, named
from tinygrad_edu.testing import Agreement, assert_gradients_agree
from tinygrad_edu.testing.guess import argument_names, guesses
from tinygrad_edu.testing.subject import Subject

__all__ = ["run"]

STATUS = {"right": 0, "wrong": 1, "cannot tell": 2}
# Arguments of assert_gradients_agree.
TAKEN = ("inputs", "wanted", "strict", "sweep", "seed")
# Of guesses that are tried after a wrong one: more elements take seconds to diagnose.
MORE_ELEMENTS = 60


@dataclass(frozen=True)
class Asked:
    """What the user asked for: shapes and options by name, and whether of one name alone."""

    shapes: dict[str, tuple[int, ...]]
    options: dict[str, Any]
    strict: bool
    seed: int
    alone: bool


def run(target: str, as_text: bool, shapes: list[str], options: list[str], strict: bool, seed: int) -> None:
    """Check what is named in a file, or all that is found there."""
    try:
        file, _, name = target.partition("::")
        path = Path(file)
        given, chosen = dict(map(shape_of, shapes)), dict(map(option_of, options))
        asked = Asked(given, chosen, strict, seed, alone=bool(name))
        # What the user's code prints is not the result.
        with contextlib.redirect_stdout(sys.stderr):
            module = load(path)
            names = [name] if name else everything(module)
        if not names:
            raise UserError(
                f"check: nothing in {path} looks as if it had a backward by hand; name what to check, as in {path}::relu"
            )
        results = []
        for each in names:
            with contextlib.redirect_stdout(sys.stderr):
                results.append(checked(module, path, each, asked))
            if as_text:
                show(results[-1])
    except UserError as error:
        show_error(str(error))
        raise typer.Exit(2) from error
    verdicts = [result.verdict for result in results]
    verdict = next((v for v in ("wrong", "cannot tell") if v in verdicts), "right")
    if not as_text:
        print(json.dumps(as_json(path, verdict, results), indent=1, ensure_ascii=False, allow_nan=False))
    elif len(results) > 1:
        counts = ", ".join(f"{verdicts.count(v)} {v}" for v in STATUS if v in verdicts)
        told(f"{plural(len(results), 'backward')} in {path}: {counts}", COLORS[verdict])
    raise typer.Exit(STATUS[verdict])


def shape_of(text: str) -> tuple[str, tuple[int, ...]]:
    """``x=4,3`` as a name and a shape."""
    name, equals, lengths = text.partition("=")
    try:
        if not (name and equals):
            raise ValueError
        return name, tuple(int(n) for n in lengths.strip("()").split(",") if n.strip())
    except ValueError:
        raise UserError(f"check: --shape {text}: expected a name and lengths, such as x=4,3") from None


def option_of(text: str) -> tuple[str, Any]:
    """``eps=1e-5`` as a name and a value of Python's, or else a string."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UserError(f"check: --option {text}: expected a name and a value, such as eps=1e-5")
    if name in TAKEN:
        raise UserError(f"check: --option {text}: that name is taken by the check; name a function that sets it itself")
    with contextlib.suppress(ValueError, SyntaxError):
        return name, ast.literal_eval(value)
    return name, value


def checked(module: ModuleType, path: Path, name: str, asked: Asked) -> Checked:
    """Check one name; where it is one of several, what keeps it from being checked is a note."""
    try:
        return judged(name, named(module, name), asked)
    except (Exception, SystemExit) as error:
        said = str(error) if isinstance(error, UserError) else f"check: {users_error(error, path.resolve())}"
        if asked.alone:
            raise UserError(said) from error
        return Checked(name, "cannot tell", notes=[said.removeprefix("check: ")])


def judged(name: str, found: Found, asked: Asked) -> Checked:
    """Check on inputs that the user gave, that the file has, or that fit."""
    asked = replace(asked, options={**found.options, **asked.options})
    target, choices, guessed = chosen(found, asked)
    first = next(choices)
    result = verdict_on(name, target, first, asked, guessed)
    if guessed and result.verdict == "wrong":
        others = (verdict_on(name, target, inputs, asked, True) for inputs in other(choices, first))
        doubt(result, next((each for each in others if each.verdict == "right"), None))
    result.notes += found.notes
    return result


def chosen(found: Found, asked: Asked) -> tuple[Any, Iterator[tuple[Any, ...]], bool]:
    """What to check, inputs for it, the likeliest first, and whether all of them are guessed."""
    target, seed = found.target, asked.seed
    shapes = asked.shapes
    if not asked.alone:  # each of several takes those that are its own
        shapes = {key: shape for key, shape in shapes.items() if key in argument_names(target)}
    if found.inputs is not None and not shapes:
        return target, iter([found.inputs]), False
    known = {**found.known, **shapes}
    if isinstance(target, type) and "example" in vars(target):
        subject = Subject.of(target, None, asked.options, seed)
        if not known:
            return subject.target, iter([subject.inputs]), False
        target = subject.target
    return target, guesses(target, known, seed, **asked.options), not known


def other(choices: Iterator[tuple[Any, ...]], first: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Small guesses whose first argument has another number of axes than the first guess, and has axes."""
    unlike = (0, np.ndim(first[0]) if first else 0)
    for inputs in choices:
        if inputs and np.ndim(inputs[0]) not in unlike and sum(np.size(x) for x in inputs) <= MORE_ELEMENTS:
            yield inputs


def verdict_on(name: str, target: Any, inputs: tuple[Any, ...], asked: Asked, guessed: bool) -> Checked:
    """The verdict for these inputs."""
    try:
        agreement = assert_gradients_agree(target, inputs=inputs, strict=asked.strict, seed=asked.seed, **asked.options)
    except AssertionError as error:
        if not (error.args and isinstance(error.args[0], Agreement)):
            raise
        agreement = error.args[0]
    names = argument_names(target)
    given = [(names[i] if i < len(names) else f"argument {i}", x) for i, x in enumerate(inputs)]
    return Checked(name, agreement.verdict, given, guessed, agreement)


def doubt(result: Checked, right: Checked | None) -> None:
    """Withdraw a verdict on guessed inputs if others are right: it may be that these were not meant."""
    if right is not None:
        result.verdict = "cannot tell"
        result.notes.append(
            f"it is wrong for {shown(result)}, and right for {shown(right)}; say by --shape which are meant, such as --shape "
            + " --shape ".join(f"{key}={','.join(map(str, lengths(x)))}" for key, x in right.inputs)
        )
