"""Data: datasets, mini-batches, and the two data sets that come with the package.

Names and arguments are those of ``torch.utils.data``.
"""

from tinygrad_edu.data.augment import random_shift
from tinygrad_edu.data.bundled import digits, exam_scores
from tinygrad_edu.data.dataset import Dataset, Subset, TensorDataset, random_split
from tinygrad_edu.data.loader import DataLoader, default_collate, numpy_collate

__all__ = [
    "DataLoader",
    "Dataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "digits",
    "exam_scores",
    "numpy_collate",
    "random_shift",
    "random_split",
]
