"""Layers that change the shape alone."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.ops import flatten

__all__ = ["Flatten", "Reshape"]


class Flatten(Layer):
    r"""Join neighbouring axes into one; by default all but the first, (N, ...) to (N, M).

    Parameters
    ----------
    start_dim, end_dim : int, default 1, -1
        First and last of the axes to join.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.Flatten()(tg.ones(2, 3, 4)).shape
    (2, 12)
    """

    operation = staticmethod(flatten)

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    @staticmethod
    def example(n: Size = 64, c: Size = 32, h: Size = 7) -> Case:
        return applied(Flatten(), real(n, c, h, h))

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Reshape(Layer):
    r"""Give each sample of a batch another shape, (N, ...) to (N, *shape), its elements in row-major order.

    Parameters
    ----------
    *shape : int
        Shape of one sample, without the batch; one length may be -1.

    Raises
    ------
    ShapeError
        If a sample has another number of elements.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.Reshape(1, 28, 28)(tg.ones(5, 784)).shape
    (5, 1, 28, 28)
    """

    def __init__(self, *shape: Any) -> None:
        self.shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], list | tuple) else shape

    @staticmethod
    def check(x, *, shape):
        try:
            x[:1].reshape((x[:1].shape[0], *shape)) if x.shape[0] else None
        except ValueError:
            raise ShapeError(f"Reshape: a sample of shape {x.shape[1:]} does not fit into {shape}") from None

    @staticmethod
    def definition(x, *, shape):
        return x.reshape((x.shape[0], *shape))

    @staticmethod
    def by_hand(x, *, shape):
        old = x.shape
        y = x.reshape((old[0], *shape))

        def backward(dy):
            # Every element is passed on unchanged, to its old place.
            return dy.reshape(old)

        return y, backward

    def torch_twin(self, torch: Any) -> Any:
        """The layer in PyTorch, which has none of this name."""

        class Reshape(torch.nn.Module):
            shape = self.shape

            def forward(self, x: Any) -> Any:
                return x.reshape(x.shape[0], *self.shape)

        return Reshape()

    @staticmethod
    def example(n: Size = 64, c: Size = 1, h: Size = 28) -> Case:
        return applied(Reshape(c, h, h), real(n, c * h * h))

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.shape))
