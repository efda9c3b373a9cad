"""Linear regression: from the hours studied to the exam score."""

from tinygrad_edu.layers import Linear, Sequential

__all__ = ["regression"]


def regression() -> Sequential:
    r"""A straight line: :math:`\text{score} = w\,\text{hours} + b`.

    Returns
    -------
    Sequential
        From hours (N, 1) to scores (N, 1); 2 parameters.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.models import regression
    >>> regression()(tg.ones(5, 1)).shape
    (5, 1)
    """
    return Sequential(Linear(1, 1))
