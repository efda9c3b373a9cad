"""Optimizers, under the names of ``torch.optim``."""

from tinygrad_edu.optim.adam import Adam as Adam
from tinygrad_edu.optim.adam import AdamW as AdamW
from tinygrad_edu.optim.optimizer import Optimizer as Optimizer
from tinygrad_edu.optim.sgd import SGD as SGD
