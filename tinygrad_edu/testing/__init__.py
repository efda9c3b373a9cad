"""Testing of gradients: hold every form of a derivative against every other."""

from tinygrad_edu.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tinygrad_edu.testing.report import Comparison, Report
from tinygrad_edu.testing.verify import verify

__all__ = ["Comparison", "GradcheckError", "Report", "gradcheck", "gradgradcheck", "verify"]
