"""How each model is trained: its data, loss, optimizer and the numbers that go with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.data import digits, exam_scores, random_shift
from tinygrad_edu.layers import CrossEntropyLoss, MSELoss
from tinygrad_edu.models.cnn import cnn
from tinygrad_edu.models.regression import regression
from tinygrad_edu.models.resnet import resnet
from tinygrad_edu.train.tracks import OptimizerChoice

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """A model with all that it takes to train it.

    Attributes
    ----------
    name, title : str
    model : callable
        Makes the untrained network.
    criterion : callable
        Makes the loss.
    data : callable
        ``data(train)`` gives the dataset to learn from, or the one held out; takes `dtype`.
    optimizer : OptimizerChoice
    epochs, batch_size : int
    decay : bool
        Whether the learning rate falls along a cosine.
    augment : callable or None
        How the training inputs are varied.
    """

    name: str
    title: str
    model: Callable[..., Any]
    criterion: Callable[..., Any]
    data: Callable[..., Any]
    optimizer: OptimizerChoice
    epochs: int
    batch_size: int
    decay: bool = False
    augment: Callable[..., Any] | None = None


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "regression",
            "linear regression: hours studied and exam scores",
            regression,
            MSELoss,
            exam_scores,
            OptimizerChoice("SGD", {"lr": 0.01}),
            epochs=200,
            batch_size=16,
        ),
        Recipe(
            "cnn",
            "a convolutional network on handwritten digits",
            cnn,
            CrossEntropyLoss,
            digits,
            OptimizerChoice("SGD", {"lr": 0.03, "momentum": 0.9, "weight_decay": 1e-3}),
            epochs=12,
            batch_size=64,
            decay=True,
            augment=random_shift,
        ),
        Recipe(
            "resnet",
            "a residual network on handwritten digits",
            resnet,
            CrossEntropyLoss,
            digits,
            OptimizerChoice("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}),
            epochs=8,
            batch_size=64,
            decay=True,
            augment=random_shift,
        ),
    )
}
"""The recipes by name."""
