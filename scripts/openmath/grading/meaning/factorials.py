"""Factorials and binomial coefficients, by the gamma function where they are not of whole numbers."""

from functools import lru_cache

from flint import acb, arb, ctx, fmpq, fmpz

from openmath.grading.limits import spend
from openmath.grading.meaning.values import EXACT_BITS, Unclear, Value, ball, charge, cost, is_integer, key, opaque

MAX_FALLING = 200  # n choose k is n (n-1) ... / k! for whole k up to this, and asks for gamma functions above


def factorial(value: Value) -> Value:
    """value!, by the gamma function where it is no whole number. Raises ZeroDivisionError for negative ones."""
    if is_integer(value):
        if value < 0:
            raise ZeroDivisionError
        if value <= 25_000:  # 25000! has about 330,000 bits
            return fmpq(fmpz.fac_ui(int(value.p)))
        return opaque("factorial", key(value))
    charge("gamma")
    return (ball(value) + 1).gamma()


def binomial(above: Value, below: Value) -> Value:
    """above choose below, by the gamma function where they are no whole numbers."""
    if is_integer(above) and is_integer(below):
        if below < 0 or (0 <= above < below):
            return fmpq(0)
        if above >= 0 and above <= 1 << 30:
            fewer = min(int(below.p), int(above.p - below.p))
            if fewer * above.p.bit_length() <= EXACT_BITS:
                spend(fewer)
                return fmpq(fmpz.bin_uiui(int(above.p), fewer))
        return opaque("binomial", key(above), key(min(below, above - below)))
    if is_integer(below) and 0 <= below <= MAX_FALLING:
        few = int(below.p)
        spend(few * cost("arithmetic"))
        return (ball(above) - few + 1).rising(few) / ball(factorial(below))
    above, below = ball(above), ball(below)
    return _gamma(above + 1) * _gamma(below + 1, inverse=True) * _gamma(above - below + 1, inverse=True)


def _gamma(x: acb, *, inverse: bool = False) -> acb:
    """The gamma function of x, or one over it."""
    charge("gamma")
    if not x.is_finite():
        raise Unclear
    parts = tuple(part.man_exp() for part in (x.real.mid(), x.real.rad(), x.imag.mid(), x.imag.rad()))
    return _kept_gamma(parts, inverse, ctx.prec)


@lru_cache(256)
def _kept_gamma(parts: tuple, inverse: bool, precision: int) -> acb:
    """Kept, since answers to one problem choose among the same letters. parts: what is exact, as balls cannot be keys."""
    x = acb(arb(parts[0], arb(parts[1])), arb(parts[2], arb(parts[3])))
    return x.rgamma() if inverse else x.gamma()
