"""Hypothesis strategies for those who test gradients, their own or this library's.

They draw what gradients go wrong on: broadcast shapes, negative axes, strides that do not divide, ties, kinks, extreme
magnitudes, odd layouts in memory. Only valid values are drawn, by construction: nothing is filtered away. Draws shrink
towards few, small and simple numbers, whole before halves before quarters, so that a person can check a failing example
on paper. Floats are exactly representable in the type that was asked for.

They stand on `hypothesis.extra.numpy` and compose with whatever it offers. Hypothesis is an extra of this package::

    pip install 'tinygrad_edu[test]'

The names here, their arguments and what they promise to draw are stable: a release may add options, and removes
none without a deprecation. Which of the valid values come up, and how often, may change in any release.

A test is written as always with Hypothesis::

    from hypothesis import given
    from tinygrad_edu.testing import strategies as some

    @given(some.tensors(requires_grad=True))
    def test_the_gradient_of_a_square(x):
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, 2 * x.array)

Examples
--------
The simplest input at which two gradients of the maximum differ: one gives each of the largest elements the whole
cotangent, the other is recorded.

>>> from hypothesis import find
>>> import tinygrad_edu as tg
>>> from tinygrad_edu.testing import strategies as some
>>> def wrong(x):
...     return x == x.max()
>>> def recorded(x):
...     x = tg.tensor(x, requires_grad=True)
...     x.amax().backward()
...     return x.grad.array
>>> find(some.with_ties(), lambda x: (wrong(x) != recorded(x)).any())
array([0., 0.])
"""

from tinygrad_edu.errors import MissingExtraError

try:
    import hypothesis as _  # noqa: F401
except ImportError:
    raise MissingExtraError(
        "testing.strategies: hypothesis is not installed, and the strategies are made of it: "
        "pip install 'tinygrad_edu[test]'"
    ) from None

from tinygrad_edu.testing.strategies.array import arrays, class_labels, tensors, with_ties, without_ties
from tinygrad_edu.testing.strategies.geometry import ConvGeometry, PoolGeometry, conv_geometries, pool_geometries
from tinygrad_edu.testing.strategies.index import index_expressions
from tinygrad_edu.testing.strategies.layout import expanded, layouts
from tinygrad_edu.testing.strategies.shape import broadcastable_shapes, dims, empty_shapes, shapes
from tinygrad_edu.testing.strategies.value import away_from, extreme, on_kinks, quarters

__all__ = [
    "ConvGeometry",
    "PoolGeometry",
    "arrays",
    "away_from",
    "broadcastable_shapes",
    "class_labels",
    "conv_geometries",
    "dims",
    "empty_shapes",
    "expanded",
    "extreme",
    "index_expressions",
    "layouts",
    "on_kinks",
    "pool_geometries",
    "quarters",
    "shapes",
    "tensors",
    "with_ties",
    "without_ties",
]
