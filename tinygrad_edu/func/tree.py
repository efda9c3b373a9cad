"""Nested tuples, lists and dictionaries of Tensors, taken apart into a list and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["flattened", "mapped"]


def flattened(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of a tree, and a function that puts as many others in their places.

    Parameters
    ----------
    tree : anything
        Tuples, lists and dictionaries are branches; everything else is a leaf.

    Returns
    -------
    leaves : list
    rebuild : callable

    Examples
    --------
    >>> from tinygrad_edu.func.tree import flattened
    >>> leaves, rebuild = flattened({"a": 1, "b": (2, [3])})
    >>> leaves, rebuild([10, 20, 30])
    ([1, 2, 3], {'a': 10, 'b': (20, [30])})
    """
    leaves: list[Any] = []
    mapped(leaves.append, tree)

    def rebuild(others: list[Any]) -> Any:
        rest = iter(others)
        return mapped(lambda _: next(rest), tree)

    return leaves, rebuild


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of the same form, with a function of each leaf in its place."""
    if isinstance(tree, dict):
        return {key: mapped(function, branch) for key, branch in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[mapped(function, branch) for branch in tree])
    if isinstance(tree, tuple | list):
        return type(tree)([mapped(function, branch) for branch in tree])
    return function(tree)
