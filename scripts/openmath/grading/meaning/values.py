"""Numbers: exact rationals (fmpq) while possible, balls that certainly hold the true value (acb) otherwise.

A value's key is a string: equal values have the same key. Rationals print exactly. Others are rounded to KEY_BITS after
the binary point; a ball that is not narrow enough for that is computed again with more precision. Two different
irrational answers would have to agree to 1,200 decimals to be confused: olympiads like sqrt(2^2025 + 1).
"""

import hashlib
import math
from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache

from flint import acb, arb, ctx, fmpq, fmpz

from openmath.grading.limits import TooLarge, spend, spend_once

PRECISIONS = (4480, 9216, 32768)  # bits; the later ones only where size or cancellation eats the earlier
KEY_BITS = 4096  # bits after the binary point (below 1: significant bits) that tell two values apart
EXACT_BITS = 400_000  # larger integers and fractions are not written out (2^400000 has 120,000 digits)
SNAP_BITS = 96  # a ball around a fraction with a denominator of at most this many bits is that fraction
SNAP_WORKING_BITS = 320  # leading bits from which that fraction is guessed
SNAP_GAP_BITS = 90  # a partial quotient of more bits ends the continued fraction: the guess is worth checking

# Work of an operation on complex balls at each of PRECISIONS, measured.
COSTS = {
    "arithmetic": (30, 60, 400),
    "elementary": (200, 450, 4_500),
    "power": (500, 1_000, 10_000),
    "gamma": (5_000, 20_000, 300_000),
    "zeta": (15_000, 90_000, 2_100_000),
}
KEY_COST = 100  # of naming a ball

SMALL_BITS = 1_000  # arithmetic on fractions of fewer bits costs nothing to speak of

Value = fmpq | acb


class Unclear(Exception):
    """The precision does not suffice to name the value."""


def charge(operation: str) -> None:
    """Count the work of an operation on balls at the present precision. Raises TooLarge."""
    spend(cost(operation))


def cost(operation: str) -> int:
    """The work of an operation on balls at the present precision."""
    return COSTS[operation][bisect_left(PRECISIONS[:-1], ctx.prec)]


def charge_result(value: Value) -> None:
    """Count the work of adding, multiplying or dividing to this value. Raises TooLarge."""
    if isinstance(value, acb):
        charge("arithmetic")
    elif (bits := value.p.bit_length() + value.q.bit_length()) < SMALL_BITS:
        spend(1)
    else:  # what takes time is the common divisor
        spend(1 + (bits // 400 if value.q == 1 else bits * math.isqrt(bits) // 8_000))


def opaque(*parts: object) -> acb:
    """A number that stands for something that is not computed: the same for the same parts, else unrelated."""
    spend_once((parts, ctx.prec), cost("elementary"))
    return _opaque(parts, ctx.prec)


@lru_cache(4096)
def _opaque(parts: tuple, precision: int) -> acb:
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    modulus = fmpq(int.from_bytes(digest[:12], "big"), 1 << 96) * fmpq(4, 5) + fmpq(11, 10)
    # A small positive angle: powers, roots and logarithms of products stay on their principal branch, as for the
    # positive numbers that letters mostly stand for, and yet |x| is not x.
    angle = fmpq(int.from_bytes(digest[12:24], "big"), 1 << 96) / 8 + fmpq(1, 50)
    return acb(arb(modulus) * arb(angle).cos(), arb(modulus) * arb(angle).sin())


def size(value: fmpq) -> int:
    """Bits to write the fraction out."""
    return value.p.bit_length() + value.q.bit_length()


def is_integer(value: Value) -> bool:
    return isinstance(value, fmpq) and value.q == 1


def ball(value: Value) -> acb:
    """The value as a complex ball."""
    return acb(value) if isinstance(value, fmpq) else value


def power(base: Value, exponent: Value) -> Value:
    """base^exponent; odd roots of negative numbers are real. Raises ZeroDivisionError, TooLarge."""
    if is_integer(exponent):
        if isinstance(base, fmpq):
            return _exact_power(base, exponent.p)
        if abs(exponent.p) <= 1 << 20:
            charge("power")
            return base ** fmpz(exponent.p)
    if isinstance(exponent, fmpq) and exponent.q % 2 == 1 and _is_negative(base):  # the real root: cbrt(-8) = -2
        root = power(-base, exponent)
        return -root if exponent.p % 2 == 1 else root
    if isinstance(base, fmpq) and isinstance(exponent, fmpq):
        if base == 0:
            if exponent > 0:
                return fmpq(0)
            raise ZeroDivisionError
        if abs(exponent.p) > 1 << 40:
            return opaque("power", key(base), key(exponent))
        if exponent == fmpq(1, 2):
            return _square_root(base)
    charge("power")
    _check_magnitude(ball(base), ball(exponent))
    return ball(base) ** ball(exponent)


def _is_negative(value: Value) -> bool:
    return value < 0 if isinstance(value, fmpq) else value.imag.is_zero() and value.real < 0


def _exact_power(base: fmpq, exponent: fmpz) -> Value:
    if base == 0:
        if exponent < 0:
            raise ZeroDivisionError
        return fmpq(int(exponent == 0))
    if abs(base) == 1:
        return fmpq(1) if exponent % 2 == 0 else base
    if size(base) * abs(exponent) <= EXACT_BITS:
        return base ** int(exponent)
    root, multiple = _perfect_power(base)
    return opaque("power", key(root), key(fmpq(exponent * multiple)))


def _perfect_power(base: fmpq) -> tuple[fmpq, int]:
    """4 -> (2, 2): so that 2^(10^9) and 4^(5*10^8) are the same number without writing it out."""
    if base.q != 1 or base < 2 or base > 1 << 62:
        return base, 1
    number = int(base.p)
    spend(60)
    for degree in range(number.bit_length(), 1, -1):
        root = round(number ** (1 / degree))
        for candidate in (root - 1, root, root + 1):
            if candidate > 1 and candidate**degree == number:
                return fmpq(candidate), degree
    return base, 1


def _square_root(base: fmpq) -> Value:
    above, below = abs(base.p), base.q
    root_above, root_below = above.isqrt(), below.isqrt()
    if root_above * root_above == above and root_below * root_below == below:
        root = fmpq(root_above, root_below)
        return root if base >= 0 else acb(0, arb(root))
    return acb(base).sqrt()


def _check_magnitude(base: acb, exponent: acb) -> None:
    """Refuse towers: a result whose exponent has more than 40 bits."""
    if base.contains(0):
        return
    logarithm = abs((exponent * base.log()).real)
    if not logarithm < arb(1 << 40):
        raise TooLarge


def key(value: Value) -> str:
    """The string that names the value. Raises Unclear if the ball is too wide for that."""
    if isinstance(value, fmpq):
        if size(value) > 600:  # too long to read: name it by a digest of its hexadecimal digits
            digits = f"{int(value.p):x}/{int(value.q):x}"
            return "#" + hashlib.sha256(digits.encode()).hexdigest()[:24]
        return str(value)
    spend(KEY_COST)
    if not value.is_finite():
        raise Unclear
    if value.imag.is_zero():
        return _real_key(value.real, snap=True)
    imaginary = _real_key(value.imag)
    if imaginary == "0":
        return _real_key(value.real, snap=True)
    return f"{_real_key(value.real)}{'' if imaginary.startswith('-') else '+'}{imaginary}i"


def key_at_any_precision(compute: Callable[[], Value], otherwise: str) -> str:
    """The key of what `compute` returns, with as much precision as it takes; `otherwise` if it has no clear value."""
    for precision in PRECISIONS:
        ctx.prec = precision
        try:
            return key(compute())
        except Unclear:
            continue
        except ZeroDivisionError:
            break
    return f"unclear:{otherwise}"


def _real_key(x: arb, *, snap: bool = False) -> str:
    if x.contains(0):
        if x.rad() < arb(2) ** -KEY_BITS:
            return "0"
        raise Unclear
    if min(_bits_known_after_point(x), x.rel_accuracy_bits()) < KEY_BITS + 32 and (
        abs(x) > 1 or x.rel_accuracy_bits() < KEY_BITS + 32
    ):
        raise Unclear
    mantissa, exponent = (int(part) for part in x.mid().man_exp())
    if exponent > EXACT_BITS:
        return f"{mantissa >> max(0, mantissa.bit_length() - KEY_BITS):x}e{exponent + mantissa.bit_length()}"
    sign, mantissa = ("-" if mantissa < 0 else ""), abs(mantissa)
    fraction = _snap(mantissa, exponent) if snap else None  # only a real number can equal a fraction
    if fraction is not None:
        return sign + fraction
    # Round to KEY_BITS after the point; below 1, to KEY_BITS significant bits.
    scale = KEY_BITS + max(0, -(mantissa.bit_length() + exponent))
    shift = exponent + scale
    rounded = mantissa << shift if shift >= 0 else (mantissa + (1 << (-shift - 1))) >> -shift
    if rounded == 1 << KEY_BITS and scale > KEY_BITS:  # a ball about 1/2 may have its middle just below
        rounded, scale = rounded >> 1, scale - 1
    digest = hashlib.sha256(f"{rounded:x}@{scale}".encode()).hexdigest()[:16]
    return f"{sign}~{_decimal(mantissa, exponent)}#{digest}"


def _bits_known_after_point(x: arb) -> int:
    radius = x.rad()
    if radius.is_zero():
        return KEY_BITS + 64
    mantissa, exponent = radius.man_exp()
    return -(int(exponent) + int(mantissa).bit_length())


def _decimal(mantissa: int, exponent: int) -> str:
    """Six significant digits for people to read; the digest beside them is what counts."""
    excess = max(0, mantissa.bit_length() - 80)  # so that the digits do not depend on the precision
    try:
        return f"{math.ldexp(mantissa >> excess, exponent + excess):.6g}"
    except OverflowError:
        return "big"


def _snap(mantissa: int, exponent: int) -> str | None:
    """The fraction with a small denominator that mantissa * 2^exponent certainly is, if any, as "p/q"."""
    if exponent >= 0:
        return None if (mantissa.bit_length() + exponent) > 600 else str(mantissa << exponent)
    # Continued fraction of the leading bits; then the candidate is checked against all of them.
    cut = max(0, min(-exponent, mantissa.bit_length()) - SNAP_WORKING_BITS)
    above, below = mantissa >> cut, 1 << (-exponent - cut)
    p0, q0, p1, q1 = 0, 1, 1, 0
    while below:
        quotient, rest = divmod(above, below)
        p0, q0, p1, q1 = p1, q1, quotient * p1 + p0, quotient * q1 + q0
        if q1.bit_length() > SNAP_BITS:
            return None
        if rest == 0 or (below // rest).bit_length() > SNAP_GAP_BITS:
            error = abs(mantissa * q1 - (p1 << -exponent))
            if p1 == 0 or error << KEY_BITS > q1 << -exponent or p1.bit_length() > 500:
                return None
            return str(p1) if q1 == 1 else f"{p1}/{q1}"
        above, below = below, rest
    return None
