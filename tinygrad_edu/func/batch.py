"""Functions of one sample, applied to a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.func.tree import flattened
from tinygrad_edu.random import default_generator
from tinygrad_edu.tensor import Tensor

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error"
) -> Callable[..., Any]:
    r"""The function that applies another to every slice of its arguments: :math:`y_n = f(x_n)`.

    The slices are taken one after the other in a loop, and the results stacked. So this is the meaning of PyTorch's
    ``vmap``, not its speed; in exchange the function may do with its slice whatever it likes, also branch on its values.
    It nests, and goes with the other transforms: ``vmap(grad(loss), in_dims=(None, 0, 0))`` gives the gradient of every
    sample.

    Parameters
    ----------
    func : callable
        From Tensors, or tuples, lists and dictionaries of them, to a Tensor or a tree of them.
    in_dims : int, None, or tree of them, default 0
        Which dimension of each argument to go along; None hands an argument on as a whole. One number goes for all
        arguments; a tuple has an entry for each, which may be a tree like the argument. Arguments by name are handed on.
    out_dims : int, None, or tree of them, default 0
        Where the results have the dimension of the slices; None for a result that is the same for all of them, which is
        returned once.
    randomness : {"error", "different", "same"}
        Whether `func` may draw random numbers, and whether each slice draws its own.

    Returns
    -------
    callable

    Raises
    ------
    RuntimeError
        When called, if the function draws random numbers and `randomness` is ``"error"``.
    TypeError
        When called, if an argument to go along, or a result, is no Tensor.
    ValueError
        When called, if there is nothing to go along, the lengths differ or are 0, or `in_dims` or `out_dims` do not fit.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a, b = tg.ones(2, 3), tg.arange(3.0)
    >>> tg.func.vmap(tg.dot, in_dims=(0, None))(a, b)
    tensor([3., 3.])
    >>> tg.func.vmap(tg.func.grad(lambda x: x**2))(b)
    tensor([0., 2., 4.])
    """
    if randomness not in ("error", "different", "same"):
        raise ValueError(f"vmap: randomness is 'error', 'different' or 'same', got {randomness!r}")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_dims, tuple | list) and len(in_dims) != len(args):
            raise ValueError(f"vmap: in_dims has {len(in_dims)} entries for {len(args)} arguments")
        leaves, rebuild = flattened(args)
        dims = spread("in_dims", tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
        n = length(leaves, dims)
        before = default_generator.get_state()
        results = []
        for i in range(n):
            if randomness == "same":
                default_generator.set_state(before)
            parts = [x if dim is None else ops.select(x, dim, i) for x, dim in zip(leaves, dims, strict=True)]
            results.append(func(*rebuild(parts), **kwargs))
            if randomness == "error" and (default_generator.get_state().array != before.array).any():
                raise RuntimeError(
                    "vmap: the function drew random numbers. Say by randomness='different' or 'same' whether each slice "
                    "draws its own."
                )
        columns = zip(*[flattened(result)[0] for result in results], strict=True)
        ends = spread("out_dims", out_dims, results[0])
        like_result = flattened(results[0])[1]
        return like_result([stacked(list(column), dim) for column, dim in zip(columns, ends, strict=True)])

    return batched


def spread(name: str, dims: Any, tree: Any) -> list[int | None]:
    """The dimension for each leaf of a tree, from one for the whole or a tree of the upper branches' form."""
    if dims is None or isinstance(dims, int):
        return [dims] * len(flattened(tree)[0])
    if isinstance(dims, dict) and isinstance(tree, dict) and dims.keys() == tree.keys():
        return [dim for key, branch in tree.items() for dim in spread(name, dims[key], branch)]
    if isinstance(dims, tuple | list) and isinstance(tree, tuple | list) and len(dims) == len(tree):
        return [dim for entry, branch in zip(dims, tree, strict=True) for dim in spread(name, entry, branch)]
    got = f"{type(tree).__name__} of {len(tree)}" if isinstance(tree, tuple | list | dict) else type(tree).__name__
    raise ValueError(f"vmap: {name}={dims!r} does not fit to a {got}: expected an int, None, or a tree of its form")


def length(leaves: list[Any], dims: list[int | None]) -> int:
    """The number of slices, once it is certain that all arguments agree about it."""
    found: dict[int, str] = {}
    for x, dim in zip(leaves, dims, strict=True):
        if dim is None:
            continue
        if not isinstance(x, Tensor):
            raise TypeError(f"vmap: in_dims={dim} is for Tensors, got {type(x).__name__}; give None to hand it on")
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(f"vmap: in_dims={dim} is no dimension of an argument of shape {x.shape}")
        found.setdefault(x.shape[dim], f"{x.shape[dim]} along dimension {dim} of shape {x.shape}")
    if len(found) != 1:
        got = "; ".join(found.values()) or "none, as in_dims is None for all"
        raise ValueError(f"vmap: expected arguments with one common number of slices, got {got}")
    (n,) = found
    if n == 0:
        raise ValueError("vmap: there are 0 slices, from which the result's shape cannot be known")
    return n


def stacked(column: list[Any], dim: int | None) -> Tensor:
    """The results of all slices along a new dimension, or, for None, the one that they all are."""
    first = column[0]
    for y in column:
        if not isinstance(y, Tensor):
            raise TypeError(f"vmap: the function must return Tensors, got {type(y).__name__}")
        if y.shape != first.shape:
            raise ShapeError(
                f"vmap: the function must give every slice the same shape, got {first.shape} and {y.shape}"
            )
    if dim is not None:
        return ops.stack(column, dim)
    if any(not np.array_equal(y.array, first.array, equal_nan=True) for y in column):
        raise ValueError("vmap: out_dims is None for a result that differs from slice to slice; give its dimension")
    return first
