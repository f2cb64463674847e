"""Trained numbers, printed so that the line is the same on every machine. Used by all lessons that train."""

from course_lib.doors.terminal import say


def expect(value: float, *, about: float, within: float, name: str = "value") -> None:
    """Print the band that `value` must lie in, and fail with the value when it does not.

    A number that comes out of training differs in its last digits from machine to machine. The line printed
    here does not, so a notebook can be compared strictly, and the number is still held to its promise.

    Args:
        value: the measured number, in whatever unit `name` states.
        about: the centre of the band.
        within: how far from `about` the value may lie, in the same unit; must be positive.
        name: what the number is, with its unit, e.g. "held-out loss (nats a token)".

    Raises:
        AssertionError: the value lies outside the band (or is not a number).
        ValueError: `within` is not positive.
    """
    if not within > 0:
        raise ValueError(f"within={within} is no band; give the largest distance from {about} still right")
    if not abs(value - about) <= within:
        raise AssertionError(f"{name} is {value:.6g}, expected {about:.4g} ± {within:.4g}")
    say(f"{name}: {about:.4g} ± {within:.4g}")
