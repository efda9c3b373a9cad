"""Varied copies of images: they show the network what does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.data.randomness import numpy_generator
from tinygrad_edu.errors import ShapeError

__all__ = ["random_shift"]


def random_shift(images: np.ndarray, pixels: int = 2, generator: Any = None) -> np.ndarray:
    """Shift each image by a random number of pixels along height and width; what comes in at the edge is 0.

    Parameters
    ----------
    images : numpy.ndarray (N, C, H, W)
    pixels : int, default 2
        The most, in each direction.
    generator : Generator, optional
        What to draw from; the generator that ``manual_seed`` seeds if omitted.

    Returns
    -------
    numpy.ndarray (N, C, H, W)
        Of the same dtype.

    Raises
    ------
    ShapeError
        If `images` has other dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.data import random_shift
    >>> image = np.eye(3)[None, None]
    >>> random_shift(image, 1, np.random.default_rng(0))
    array([[[[0., 1., 0.],
             [0., 0., 1.],
             [0., 0., 0.]]]])
    """
    if images.ndim != 4:
        raise ShapeError(f"random_shift: expected images (N, C, H, W), got shape {images.shape}")
    n, _, h, w = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    corners = numpy_generator(generator).integers(0, 2 * pixels + 1, (n, 2)).tolist()
    return np.stack([image[:, i : i + h, j : j + w] for image, (i, j) in zip(padded, corners, strict=True)])
