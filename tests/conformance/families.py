"""What every function of a kind is asked: rows by the name and the numbers that the function takes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from tests.conformance.inputs import Input, b, f, f16, f32, i, i32, u8, v
from tests.conformance.sample import Row, edge, refused, sample

NOT_A_TENSOR = "what is no tensor is noticed by NumPy, whose message does not name the operation"
SPECIAL = v([0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0])
HALVES = v([-2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5])


def of_one(name: str, f: Callable[..., Input] = f, integers: bool = True, booleans: bool = True) -> list[Row]:
    """An elementwise function of one operand; `f` makes floats where it is smooth."""
    rows = [
        sample(name, f(3, 4)),
        sample(name, f(2, 3, dtype="float32")),
        edge(name, f()),
        edge(name, f(0, 3)),
        edge(name, f(3, 4).t),
        edge(name, f(3, 8).step),
        edge(name, f(4, 2).tail),
        edge(name, f(1, 4).expand(3, 4)),
        edge(name, f(3, dtype="float16")),
        refused(name, f(3), 1, 2, 3),
        refused(name, f(3), nonsense=1),
        refused(name),
    ]
    whole = [sample(name, i(3, 4)), edge(name, i()), edge(name, i32(3)), edge(name, u8(3))]
    return rows + whole * integers + [edge(name, b(3))] * booleans


def of_two(
    name: str,
    f: Callable[..., Input] = f,
    *,
    mixed: bool = True,
    integers: bool = True,
    booleans: bool = True,
    numbers: bool = True,
) -> list[Row]:
    """An elementwise function of two operands, and of which kinds of them; `f` makes floats where it is smooth."""
    f32, f16 = functools.partial(f, dtype="float32"), functools.partial(f, dtype="float16")
    rows = [
        sample(name, f(3, 4), f(3, 4)),
        sample(name, f(3, 4), f(4)),
        sample(name, f(3, 1), f(1, 4)),
        sample(name, f32(3), f32(3)),
        edge(name, f(), f()),
        edge(name, f(3), f()),
        edge(name, f(), f(3)),
        edge(name, f(0, 3), f(3)),
        edge(name, f(0), f(1)),
        edge(name, f(3, 4).t, f(4, 6).step),
        edge(name, f(1, 4).expand(3, 4), f(4)),
        refused(name, f(3), f(4)),
        refused(name, f(2, 3), f(3, 2)),
        refused(name, f(3), "text"),
        refused(name, f(3), None),
        refused(name, f(3)),
        refused(name, f(3), f(3), f(3), f(3)),
        refused(name, f(3), f(3), nonsense=1),
    ]
    if mixed:
        rows += [edge(name, f32(3), f(3)), edge(name, f32(3), f()), edge(name, f16(3), f32(3)), edge(name, f32(), f(3))]
    if integers:
        rows.append(sample(name, i(3), i(3)))
    if integers and mixed:
        rows += [
            edge(name, i(3), f32(3)),
            edge(name, i(3), f32()),
            edge(name, i32(3), i(3)),
            edge(name, i32(3), i()),
            edge(name, u8(3), i32(3)),
            edge(name, u8(3), i(3, dtype="int8")),
        ]
    if booleans:
        rows += [edge(name, i(3), b(3)), edge(name, f(3), b(3))]
    if numbers:
        rows += [sample(name, f(3), 1.5), sample(name, f32(3), 2), edge(name, f(3), np.float32(1.5))]
    if numbers and booleans:
        rows.append(edge(name, f(3), True))
    if numbers and integers:
        rows += [edge(name, i(3), 1.5), edge(name, i32(3), 2)]
    return rows


def bounded(low: float, high: float) -> Callable[..., Input]:
    """Floats between two multiples of 1/2."""
    return lambda *shape, dtype="float64": f(*shape, low=low, high=high, dtype=dtype)


def along_dims(
    name: str, *given: object, f: Callable[..., Input] = f, several: bool = True, **options: object
) -> list[Row]:
    """A reduction; `given` stands between the operand and `dim`, and `several` says that `dim` may be a tuple."""
    rows = [
        sample(name, f(3, 4), *given, dim=0, **options),
        sample(name, f(3, 4), *given, dim=1, keepdim=True, **options),
        sample(name, f(2, 3, 4), *given, 1, **options),
        sample(name, f(2, 3, 4), *given, 1, True, **options),
        sample(name, f(3, 4, dtype="float32"), *given, dim=1, **options),
        edge(name, f(3, 4), *given, dim=-1, **options),
        edge(name, f(3, 4), *given, dim=-2, keepdim=True, **options),
        edge(name, f(), *given, dim=0, **options),
        edge(name, f(), *given, dim=-1, keepdim=True, **options),
        edge(name, f(1), *given, dim=0, **options),
        edge(name, f(0, 3), *given, dim=1, **options),
        edge(name, f(3, 4).t, *given, dim=0, **options),
        edge(name, f(3, 8).step, *given, dim=1, **options),
        edge(name, f(1, 4).expand(3, 4), *given, dim=0, **options),
        edge(name, f(3, 4, dtype="float16"), *given, dim=1, **options),
        refused(name, f(3, 4), *given, dim=2, **options),
        refused(name, f(3, 4), *given, dim=-3, **options),
        refused(name, f(), *given, dim=1, **options),
        refused(name, f(3, 4), *given, dim="0", **options),
        refused(name, f(3, 4), *given, dim=0.5, **options),
        refused(name, f(3, 4), *given, dim=0, nonsense=1, **options),
    ]
    if several:
        rows += [
            sample(name, f(2, 3, 4), *given, dim=(0, 2), **options),
            sample(name, f(2, 3, 4), *given, dim=(0, 2), keepdim=True, **options),
            edge(name, f(2, 3, 4), *given, dim=[-1, 0], **options),
            edge(name, f(2, 3), *given, dim=(0, 1), **options),
            edge(name, f(2, 3), *given, dim=(1,), **options),
            refused(name, f(2, 3), *given, dim=(0, 0), **options),
            refused(name, f(2, 3), *given, dim=(0, -2), **options),
            refused(name, f(2, 3), *given, dim=(0, 2), **options),
        ]
    return rows


def of_kinds(name: str, *given: object, shape: tuple[int, ...] = (3, 4), **options: object) -> list[Row]:
    """A function of a tensor that takes any dtype and any layout; every input has the shape given."""
    wide = (*shape[:-1], 2 * shape[-1])
    return [
        *(sample(name, x(*shape), *given, **options) for x in (f, f32, i)),
        *(edge(name, x(*shape), *given, **options) for x in (f16, i32, u8, b)),
        edge(name, f(*shape[:-2], *shape[:-3:-1]).t, *given, **options),
        edge(name, f(*wide).step, *given, **options),
        edge(name, f(shape[0] + 1, *shape[1:]).tail, *given, **options),
        edge(name, f(1, *shape[1:]).expand(*shape), *given, **options),
        refused(name, f(*shape), *given, nonsense=1, **options),
    ]


def expanded(row: Row) -> bool:
    """Whether the operand's elements are repeated in memory."""
    return "expand" in str(row.arguments[0].views)
