"""Testing of gradients: hold every form of a derivative against every other."""

from tinygrad_edu.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tinygrad_edu.testing.accuracy import accuracy, assert_accurate
from tinygrad_edu.testing.agree import Agreement, assert_gradients_agree
from tinygrad_edu.testing.check_layer import LayerCheck, check_layer
from tinygrad_edu.testing.contract import Contract, check_contract
from tinygrad_edu.testing.cost import assert_cost, cost
from tinygrad_edu.testing.costs import Cost
from tinygrad_edu.testing.decorator import gradient_test
from tinygrad_edu.testing.pair import Pair, as_pair
from tinygrad_edu.testing.report import Comparison, Report
from tinygrad_edu.testing.rounding import Accuracy, Rounding
from tinygrad_edu.testing.verify import verify

__all__ = [
    "Accuracy",
    "Agreement",
    "Comparison",
    "Contract",
    "Cost",
    "GradcheckError",
    "LayerCheck",
    "Pair",
    "Report",
    "Rounding",
    "accuracy",
    "as_pair",
    "assert_accurate",
    "assert_cost",
    "assert_gradients_agree",
    "check_contract",
    "check_layer",
    "cost",
    "gradcheck",
    "gradgradcheck",
    "gradient_test",
    "verify",
]
