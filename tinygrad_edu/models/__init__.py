"""The models: linear regression, a convolutional network and a residual network, each in a file of its own."""

from tinygrad_edu.models.cnn import cnn
from tinygrad_edu.models.recipe import RECIPES, Recipe
from tinygrad_edu.models.regression import regression
from tinygrad_edu.models.resnet import resnet

__all__ = ["RECIPES", "Recipe", "cnn", "regression", "resnet"]
