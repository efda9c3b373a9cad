"""Settings and fixtures of every test."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Draws are the same in every run, so that a failure in CI fails at home; the long profile looks further.
settings.register_profile(
    "ci", max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile("long", max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def torch():
    """PyTorch, for tests that hold a value against it."""
    try:
        import torch
    except ImportError:
        if os.environ.get("TINYGRAD_EDU_REQUIRE_TORCH"):
            pytest.fail("PyTorch is required in this run (TINYGRAD_EDU_REQUIRE_TORCH) and is not installed")
        pytest.skip("needs PyTorch: pip install 'tinygrad_edu[torch]'")
    torch.set_num_threads(1)
    return torch


@pytest.fixture
def rng():
    """A NumPy generator, the same for every test."""
    return np.random.default_rng(0)
