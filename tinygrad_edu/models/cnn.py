"""A small convolutional network for handwritten digits, in the manner of LeNet."""

from tinygrad_edu.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential

__all__ = ["cnn"]


def cnn(dropout: float = 0.2) -> Sequential:
    """Two convolutions with batch norm and pooling, then one linear layer.

    Parameters
    ----------
    dropout : float, default 0.2
        Share of the features that the linear layer does without in each training step.

    Returns
    -------
    Sequential
        From grey images (N, 1, 28, 28) to a score for each digit (N, 10).

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86(11), 1998.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.models import cnn
    >>> cnn()(tg.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """
    return Sequential(
        Conv2d(1, 16, kernel_size=5, bias=False),  # (N, 16, 24, 24); batch norm would take a bias away again
        BatchNorm2d(16),
        ReLU(),
        MaxPool2d(2),  # (N, 16, 12, 12)
        Conv2d(16, 32, kernel_size=5, bias=False),  # (N, 32, 8, 8)
        BatchNorm2d(32),
        ReLU(),
        MaxPool2d(2),  # (N, 32, 4, 4)
        Flatten(),  # (N, 512)
        Dropout(dropout),
        Linear(512, 10),
    )
