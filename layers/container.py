"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tinygrad_edu.layers.activation import ReLU
from tinygrad_edu.layers.convolution import Conv2d
from tinygrad_edu.layers.module import Module
from tinygrad_edu.layers.normalization import BatchNorm2d

__all__ = ["ModuleList", "ResidualBlock", "Sequential"]


class _Sequence(Module):
    """Modules in order, by index."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def _key(self, index: int) -> str:
        return list(self._modules)[index]

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            part = type(self)()
            for name in list(self._modules)[index]:
                part.add_module(name if isinstance(self, Sequential) else str(len(part)), self._modules[name])
            return part
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self._modules[self._key(index)] = module

    def append(self, module: Module) -> Any:
        """Add a module at the end, and return the container itself."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add modules at the end, and return the container itself."""
        for module in modules:
            self.append(module)
        return self


class ModuleList(_Sequence):
    """A list of modules whose parameters belong to the module that holds it.

    Parameters
    ----------
    modules : iterable of Module, optional

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)


class Sequential(_Sequence):
    r"""One module after the other, :math:`y = f_n(\cdots f_2(f_1(x)))`; the backward takes them in reverse.

    Parameters
    ----------
    *modules : Module, or one OrderedDict of names and modules

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> net(tg.ones(2, 3)).shape
    (2, 1)

    The same by hand, on arrays:

    >>> import numpy as np
    >>> y = net(np.ones((2, 3), np.float32))
    >>> net.backward(np.ones_like(y)).shape
    (2, 3)
    """

    def __init__(self, *modules: Any) -> None:
        named = len(modules) == 1 and isinstance(modules[0], dict)
        for name, module in modules[0].items() if named else enumerate(modules):
            self.add_module(str(name), module)

    def forward(self, x: Any) -> Any:
        """Pass `x` through the modules in order."""
        for module in self:
            x = module(x)
        return x

    def pair(self, x: Any) -> tuple[Any, Callable]:
        """Chain the pairs of the modules; a module that stands twice has two of them."""
        backwards = []
        for module in self:
            x, backward = module.pair(x)
            backwards.append(backward)

        def chained(dy: Any, input_gradient: bool = True) -> Any:
            for i in reversed(range(len(backwards))):
                dy = backwards[i](dy, input_gradient=input_gradient or i > 0)
            return dy

        return x, chained


class ResidualBlock(Module):
    r"""Two convolutions with batch norm, added to their own input: :math:`y = \mathrm{relu}(F(x) + S(x))`.

    .. math:: F(x) = \mathrm{bn}_2(\mathrm{conv}_2(\mathrm{relu}(\mathrm{bn}_1(\mathrm{conv}_1(x)))))

    :math:`S` is the identity where the shapes agree, else a 1×1 convolution with batch norm.

    Parameters
    ----------
    in_channels, out_channels : int
    stride : int, default 1
        Of the first convolution; both height and width are divided by it.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016, eq. 1 and 2, figure 2.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.ResidualBlock(16, 32, stride=2)(tg.ones(2, 16, 8, 8)).shape
    (2, 32, 4, 4)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        # The bias of a convolution before batch norm would be subtracted again with the mean.
        self.conv1 = Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(out_channels)
        self.relu1 = ReLU()
        self.conv2 = Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(out_channels)
        self.shortcut = Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = Sequential(
                Conv2d(in_channels, out_channels, 1, stride, bias=False), BatchNorm2d(out_channels)
            )
        self.relu2 = ReLU()

    def forward(self, x: Any) -> Any:
        """Record the block; works alike for its twin in PyTorch."""
        h = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(h)) + self.shortcut(x))

    def pair(self, x: Any) -> tuple[Any, Callable]:
        """The block by hand: x reaches y by two ways, and so the gradients of both are added."""
        branch = Sequential(self.conv1, self.bn1, self.relu1, self.conv2, self.bn2)
        f, branch_backward = branch.pair(x)
        s, shortcut_backward = self.shortcut.pair(x)
        y, relu_backward = self.relu2.pair(f + s)

        def backward(dy: Any, input_gradient: bool = True) -> Any:
            dsum = relu_backward(dy)
            dx = branch_backward(dsum, input_gradient=input_gradient)
            dx_shortcut = shortcut_backward(dsum, input_gradient=input_gradient)
            return dx + dx_shortcut if input_gradient else None

        return y, backward
