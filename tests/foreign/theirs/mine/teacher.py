"""The teacher, in a module that no claim imports by itself."""

SLOPE = 1.0


def bend(x: float) -> float:
    """What a teacher makes of a slope."""
    return x + 0.0
