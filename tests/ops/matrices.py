"""Matrices to test with, and how close results are to be."""

import numpy as np

from tinygrad_edu.announce import matrix

# Products with inverses and gaps of eigenvalues: condition numbers below 20, squared in second derivatives.
CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def well(*shape, seed=0):
    """A matrix, or a batch, that is far from singular."""
    return matrix(*shape).array(np.random.default_rng(seed))


def symmetric(f):
    """A function of symmetric matrices, as one of all: of the mean of a matrix and its transpose."""
    return lambda x: f(0.5 * (x + x.mT))
