"""A small residual network for handwritten digits."""

from tinygrad_edu.layers import AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, ReLU, ResidualBlock, Sequential

__all__ = ["resnet"]


def resnet() -> Sequential:
    """A convolution, three residual blocks that halve the image twice, and the mean of what is left of it.

    Returns
    -------
    Sequential
        From grey images (N, 1, 28, 28) to a score for each digit (N, 10).

    References
    ----------
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016, section 4.2.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.models import resnet
    >>> resnet()(tg.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """
    return Sequential(
        Conv2d(1, 8, kernel_size=3, padding=1, bias=False),  # (N, 8, 28, 28)
        BatchNorm2d(8),
        ReLU(),
        ResidualBlock(8, 16, stride=2),  # (N, 16, 14, 14)
        ResidualBlock(16, 32, stride=2),  # (N, 32, 7, 7)
        ResidualBlock(32, 32),  # (N, 32, 7, 7)
        AvgPool2d(7),  # (N, 32, 1, 1)
        Flatten(),  # (N, 32)
        Linear(32, 10),
    )
