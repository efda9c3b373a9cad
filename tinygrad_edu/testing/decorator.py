"""``@gradient_test``: a backward as a test that pytest collects."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.testing.agree import Agreement, assert_gradients_agree
from tinygrad_edu.testing.pair import called, names_of, parameters_of

__all__ = ["gradient_test"]

# What gradient_test takes itself, and what assert_gradients_agree takes.
RESERVED = ("examples", "strict", "wanted", "sweep")
RESERVED_OPTIONS = (*RESERVED, "inputs", "seed", "explain")


def gradient_test(
    *inputs: Any,
    examples: int = 10,
    strict: bool = False,
    wanted: Sequence[str] | None = None,
    sweep: bool = True,
    **named: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a test of a function: that its gradients agree, for inputs that are drawn.

    pytest collects what is decorated, under any name. Called with nothing, it is the test; called with arguments, the
    function that it was.

    Parameters
    ----------
    *inputs : tuple of int, array, hypothesis strategy, or anything else
        What each argument of the function gets: an array of random floats of this shape, an array as it is, or one drawn,
        as from :mod:`tinygrad_edu.testing.strategies`. Other values are passed on.
    examples : int, default 10
        How many inputs are drawn. Where there is nothing to draw, one look is all.
    strict, wanted, sweep
        Those of :func:`assert_gradients_agree`.
    **named
        The same by name. Arguments that take keywords alone, the options of the function, are passed on as they are
        unless they are strategies: a tuple is a tuple there.

    Returns
    -------
    callable
        A decorator, for what :func:`assert_gradients_agree` takes: a function ``by_hand(*args) -> (y, backward)``, or one
        of Tensors. A function of nothing is called for it, and may also give a layer, a model, two functions or a
        class of PyTorch's.

    Raises
    ------
    TypeError
        When decorating, if the inputs are not those of the function, or one goes by a name that is an option here.

    Notes
    -----
    The test fails where a gradient is wrong, and also where none of the inputs could tell. Failing inputs are kept in
    hypothesis' database and tried first the next time. They are not shrunk by hypothesis.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.testing import gradient_test
    >>> @gradient_test((3, 2), examples=3)
    ... def half_square(x):
    ...     return x * x / 2, lambda dy: x * dy
    >>> half_square()
    >>> half_square(np.array([3.0]))[0]
    array([4.5])
    """
    if len(inputs) == 1 and not named and inspect.isroutine(inputs[0]):
        raise TypeError(
            f"gradient_test: expected a shape, an array or a strategy for each argument of {called(inputs[0])}, as in "
            "@gradient_test((4, 3)) for one argument"
        )
    how = {"strict": strict, "wanted": wanted, "sweep": sweep}

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(function, type) or not callable(function):
            what = getattr(function, "__name__", type(function).__name__)
            raise TypeError(f"gradient_test: expected a function, got {what}. Return it from a function of nothing")
        gives_target = not parameters_of(function)
        if not gives_target:
            bound(function, inputs, named)  # what does not fit is told before the test runs
        test = None

        @functools.wraps(function)
        def wrapper(*given: Any, **options: Any) -> Any:
            nonlocal test
            __tracebackhide__ = True
            if given or options:
                return function(*given, **options)
            if test is None:
                target = function() if gives_target else function
                test = as_test(function, target, *bound(target, inputs, named), examples, how)
            return test()

        # pytest takes parameters for fixtures, and collects what says that it is a test.
        wrapper.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
        wrapper.__test__ = True  # type: ignore[attr-defined]
        wrapper.gradient_test = (inputs, named)  # type: ignore[attr-defined]
        return wrapper

    return decorated


def bound(target: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and options by name, in the order of the target's arguments."""
    function = target[0] if isinstance(target, tuple) and target else target
    parameters = {p.name: p for p in parameters_of(function)} if inspect.isroutine(function) else {}
    if not parameters:  # a layer or a model, which tells itself what is missing
        return {f"input{i}": value for i, value in enumerate(inputs)}, named
    name, positions = called(function), names_of(function)
    further = tuple(f"input{i}" for i in range(len(positions), len(inputs)))
    if further and not any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        takes = f"{len(positions)} ({', '.join(positions)})"
        raise TypeError(f"gradient_test: {name} takes {takes}, got {len(inputs)} inputs by position")
    found = dict(zip((*positions, *further), inputs, strict=False))
    refuse_names(name, parameters, found, named)
    found |= {key: value for key, value in named.items() if key in positions}
    options = {key: value for key, value in named.items() if key not in positions}
    needed = [key for key, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    defaults = {key: p.default for key, p in parameters.items() if p.default is not p.empty}
    if missing := [key for key in needed if key not in {**defaults, **found, **options}]:
        raise TypeError(f"gradient_test: {name} needs {', '.join(missing)}; give a shape, an array or a strategy")
    # What stands before a given argument is given, too.
    last = max((i for i, key in enumerate(positions) if key in found), default=-1)
    return {key: found.get(key, defaults.get(key)) for key in (*positions[: last + 1], *further)}, options


def refuse_names(
    name: str, parameters: dict[str, inspect.Parameter], by_position: dict[str, Any], named: dict[str, Any]
) -> None:
    """Raise where a name is not that of an argument, or not of one alone."""
    if next(iter(parameters)) in ("self", "cls"):
        raise TypeError(f"gradient_test: {name} is a method; decorate a function outside of the class")
    for key, p in parameters.items():
        if key not in by_position and key in (RESERVED_OPTIONS if p.kind is p.KEYWORD_ONLY else RESERVED):
            raise TypeError(
                f"gradient_test: {key!r} is an argument of {name} and an option of gradient_test, so that its name does not "
                "tell which is meant; give it by position, or wrap the function in one with other names"
            )
    if twice := [key for key in named if key in by_position]:
        raise TypeError(f"gradient_test: {name} got {twice[0]!r} both by position and by name")
    unknown = [key for key in named if key not in parameters]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise TypeError(f"gradient_test: {name} has no argument {unknown[0]!r}; it has {', '.join(parameters)}")


def as_test(
    function: Callable[..., Any],
    target: Any,
    arguments: dict[str, Any],
    options: dict[str, Any],
    examples: int,
    how: dict[str, Any],
) -> Callable[[], None]:
    """The test: a function of nothing."""
    values = {**{key: of_shape(value) for key, value in arguments.items()}, **options}
    drawn_ones = [key for key, value in values.items() if is_strategy(value) or isinstance(value, Shape)]
    seen: list[Agreement] = []

    def check(**drawn: Any) -> None:
        __tracebackhide__ = True
        now = {**values, **drawn}
        given = tuple(now[key] for key in arguments)
        seen.append(assert_gradients_agree(target, inputs=given, **how, **{key: now[key] for key in options}))

    def once() -> None:
        __tracebackhide__ = True
        seen.clear()
        search() if drawn_ones else check()
        if seen and all(agreement.verdict == "cannot tell" for agreement in seen):
            raise AssertionError(seen[-1])

    if drawn_ones:
        search = searched(function, check, {key: values[key] for key in drawn_ones}, examples)
    return once


class Shape(tuple):
    """A shape for which an array is to be drawn."""


def of_shape(value: Any) -> Any:
    """A tuple of lengths as a shape; anything else as it is."""
    lengths = isinstance(value, tuple) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    return Shape(value) if lengths else value


def is_strategy(value: Any) -> bool:
    """Whether this is a strategy of hypothesis', told without importing it."""
    return any(c.__name__ == "SearchStrategy" for c in type(value).__mro__)


def searched(
    function: Callable[..., Any], check: Callable[..., None], values: dict[str, Any], examples: int
) -> Callable[[], None]:
    """The check on drawn values, under the function's name in hypothesis' database and in its messages."""
    try:
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis import strategies as st
    except ImportError:
        raise MissingExtraError(
            f"gradient_test: hypothesis is not installed, and draws the inputs of {called(function)}: "
            "pip install 'tinygrad_edu[test]', or give arrays in place of shapes"
        ) from None

    @st.composite
    def random_arrays(draw: Any, shape: tuple[int, ...], place: int) -> NDArray:
        # Both signs, and none near 0, where kinks are and derivatives vanish.
        generator = np.random.default_rng([draw(st.integers(0, 2**31 - 1)), place])
        return np.asarray(generator.uniform(0.2, 1.2, shape) * generator.choice([-1.0, 1.0], shape))

    strategies = {
        key: random_arrays(tuple(value), place) if isinstance(value, Shape) else value
        for place, (key, value) in enumerate(values.items())
    }
    check = functools.wraps(function)(check)
    keywords = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY) for key in strategies]
    check.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    # A failing check looks for the reason, which takes seconds: too long for the hundreds of times that shrinking asks.
    default: Any = settings.default
    phases = [phase for phase in default.phases if phase not in (Phase.shrink, Phase.explain)]
    how = settings(
        max_examples=examples,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    return how(given(**strategies)(check))
