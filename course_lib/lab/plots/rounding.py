"""Numbers as words that do not hang on the last bit, the same on every processor. For the figures of all lessons.

0.125 and the next smaller float are one number to a reader, but with two decimals one is written 0.12 and the other,
on another processor, 0.13. So a number is rounded twice: first to three places more than are shown.
"""

SPARE = 3  # decimals beyond those shown: what differs only after them is the same number


def fixed(value: float, decimals: int, *, sign: str = "") -> str:
    """`value` with `decimals` places; never minus zero. `sign="+"` writes a plus, too.

    >>> fixed(0.125, 2), fixed(0.125 - 2**-56, 2), fixed(-1e-9, 1), fixed(2, 1, sign="+")
    ('0.12', '0.12', '0.0', '+2.0')
    """
    return f"{round(steady(value, decimals), decimals) + 0.0:{sign}.{decimals}f}"


def steady(value: float, decimals: int) -> float:
    """`value` without what is smaller than any place shown: the first of the two roundings."""
    return round(float(value), decimals + SPARE)


def significant(value: float, digits: int) -> str:
    """`value` with so many digits that count, as `format(value, "g")` writes it.

    >>> significant(0.125, 2), significant(0.125 - 2**-56, 2), significant(12345, 3)
    ('0.12', '0.12', '1.23e+04')
    """
    return f"{float(f'{value:.{digits + SPARE}g}'):.{digits}g}"


def same(one: float, other: float) -> bool:
    """Whether two numbers differ by no more than rounding: a millionth of the larger one."""
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other))


def percent(share: float) -> str:
    """A share in whole percent; below a half `<1%`, and `0` only for nothing at all.

    >>> percent(0.125), percent(0.001), percent(0.0), percent(1 - 2**-53)
    ('12%', '<1%', '0', '100%')
    """
    share = float(share)
    return "0" if share == 0 else "<1%" if steady(share, 2) <= 0.005 else f"{steady(share, 2):.0%}"
