"""Testing of gradients: hold every form of a derivative against every other."""

from tinygrad_edu.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tinygrad_edu.testing.agree import Agreement, assert_gradients_agree
from tinygrad_edu.testing.contract import Contract, check_contract
from tinygrad_edu.testing.pair import Pair, as_pair
from tinygrad_edu.testing.report import Comparison, Report
from tinygrad_edu.testing.verify import verify

__all__ = [
    "Agreement",
    "Comparison",
    "Contract",
    "GradcheckError",
    "Pair",
    "Report",
    "as_pair",
    "assert_gradients_agree",
    "check_contract",
    "gradcheck",
    "gradgradcheck",
    "verify",
]
