"""Second names that PyTorch has for the same operations."""

from tinygrad_edu.ops import arithmetic, comparison, trigonometry
from tinygrad_edu.ops.operation import methods

__all__ = [
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "divide",
    "fix",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "multiply",
    "negative",
    "not_equal",
    "subtract",
    "true_divide",
]

absolute, fix, multiply, negative = arithmetic.abs, arithmetic.trunc, arithmetic.mul, arithmetic.neg
divide = true_divide = arithmetic.div
subtract = arithmetic.sub
greater, greater_equal, not_equal = comparison.gt, comparison.ge, comparison.ne
less, less_equal = comparison.lt, comparison.le
arccos, arcsin, arctan, arctan2 = trigonometry.acos, trigonometry.asin, trigonometry.atan, trigonometry.atan2
arccosh, arcsinh, arctanh = trigonometry.acosh, trigonometry.asinh, trigonometry.atanh

methods(**{name: globals()[name] for name in __all__})
