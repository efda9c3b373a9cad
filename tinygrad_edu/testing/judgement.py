"""What is said of one gradient."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VANISHES", "Judgement"]

VANISHES = "it is 0 everywhere at these inputs, and so it should be"


@dataclass(frozen=True)
class Judgement:
    """What is said of one gradient.

    Attributes
    ----------
    argument : str
        Of which argument.
    verdict : {'right', 'wrong', 'cannot tell'}
    by : str
        How that was told: ``'rational arithmetic'``, ``'60 digits'`` or ``'differences'``.
    caught : float
        The smallest relative error of a single element that would have been caught: 0 if any would have been, infinite if
        none.
    index : tuple of int
        The worst element of a wrong gradient.
    values : (float, float)
        Its value by the backward, and the derivative of the forward.
    why : str
        What else there is to say.
    zero : bool
        Whether the gradient is 0 everywhere, as is the derivative.
    """

    argument: str
    verdict: str
    by: str
    caught: float = float("inf")
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0.0, 0.0)
    why: str = ""
    zero: bool = False

    def __str__(self) -> str:
        why = "".join(f"\n    {sentence}" for sentence in self.why.split("; ") if sentence)
        if self.verdict == "wrong":
            place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
            found, right = self.values
            if not right:
                ratio = "; it should vanish"
            elif found == right:
                ratio = "; in later digits than a float has"
            else:
                ratio = f"; {found / right:.15g} times" if found else ""
            return (
                f"the gradient of {self.argument} is wrong: {self.argument}{place} gets {found:.17g}, and the derivative of "
                f"the forward\n    is {right:.17g} (by {self.by}{ratio}){why}"
            )
        if self.verdict == "cannot tell":
            return f"the gradient of {self.argument}: cannot tell" + (f"; {self.why}" if self.why else "")
        seen = f"a relative error of {self.caught:.0e} in one element would have been seen"
        seen = seen if self.caught else "both are equal, without a tolerance"
        seen = seen if self.caught < 0.1 else "all values between the slopes would have passed"
        return f"the gradient of {self.argument} is right by {self.by}: {seen}{why}"
