"""Whether operations on Tensors are recorded: one switch for each thread.

The switch is the thread's, as in PyTorch. A generator or a coroutine that is suspended within ``with no_grad()`` leaves
it off for whoever runs meanwhile; decorated, a generator has the mode for its own lines alone. A decorated coroutine
has it only until it is made, not while it runs: write ``with no_grad()`` between two awaits instead.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    enabled = True


mode = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> with tg.no_grad():
    ...     tg.is_grad_enabled()
    False
    """
    return mode.enabled


class set_grad_enabled:
    """Switch recording on or off in this thread: at once as a call, and back again as a context or decorator.

    Parameters
    ----------
    enabled : bool

    Raises
    ------
    TypeError
        If it is no bool.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.set_grad_enabled(False):
    ...     y = 2 * x
    >>> y.requires_grad
    False
    """

    def __init__(self, enabled: bool) -> None:
        if enabled is not True and enabled is not False:
            raise TypeError(f"set_grad_enabled: expected True or False, got {enabled!r}")
        self.enabled = enabled
        self.previous = mode.enabled
        mode.enabled = enabled

    def __enter__(self) -> None:
        # The call itself has switched already; what it found is what leaving the block restores.
        mode.enabled = self.enabled

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        mode.enabled = self.previous

    def __call__(self, function: F) -> F:
        """Decorate a function: within it recording is on or off, and outside it is as it was."""
        # Used as a decorator the call must not have switched anything by itself.
        mode.enabled = self.previous
        return _decorated(function, self.enabled)


class _Context:
    """A grad mode as context manager and decorator, with or without parentheses, reentrant and reusable."""

    enabled: bool
    previous: list[bool]

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        self.previous = []
        return self if function is None else _decorated(function, cls.enabled)

    def __enter__(self) -> None:
        # The value found is restored, rather than a token spent, since a generator may end in another thread.
        self.previous.append(mode.enabled)
        mode.enabled = self.enabled

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        mode.enabled = self.previous.pop()

    def __call__(self, function: F) -> F:
        return _decorated(function, self.enabled)


def _decorated(function: Callable[..., Any], enabled: bool) -> Any:
    if inspect.isgeneratorfunction(function):
        # The mode holds while the generator's own lines run, and is the caller's between them.
        @functools.wraps(function)
        def generator(*args: Any, **options: Any) -> Any:
            iterator = function(*args, **options)
            try:
                with set_grad_enabled(enabled):
                    item = next(iterator)
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        with set_grad_enabled(enabled):
                            iterator.close()
                        raise
                    except BaseException as error:
                        with set_grad_enabled(enabled):
                            item = iterator.throw(error)
                    else:
                        with set_grad_enabled(enabled):
                            item = iterator.send(sent)
            except StopIteration as stop:
                return stop.value

        return generator

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        with set_grad_enabled(enabled):
            return function(*args, **options)

    return call


class no_grad(_Context):
    """Within it nothing is recorded: for evaluation, and for updating parameters.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = 2 * x
    >>> y.requires_grad
    False
    """

    enabled = False


class enable_grad(_Context):
    """Within it operations are recorded, also inside :class:`no_grad`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad(), tg.enable_grad():
    ...     y = 2 * x
    >>> y.requires_grad
    True
    """

    enabled = True


class inference_mode(_Context):
    """The same as :class:`no_grad`, under the name that newer PyTorch programs use; its tensors are ordinary ones.

    Parameters
    ----------
    mode : bool, default True
        With False operations are recorded within it.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> with tg.inference_mode():
    ...     tg.is_grad_enabled()
    False
    """

    def __new__(cls, mode: Any = True) -> Any:
        """A context, or the decorated function where it is used without parentheses."""
        self = super().__new__(cls)
        self.enabled = mode is False
        return self if mode is True or mode is False else self(mode)
