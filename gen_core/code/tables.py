"""Tables that recipes look up by a string in one of their fields."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class ByName(dict[str, T]):
    """A table, a constant of its module, that recipes look up by a string in one of their fields.

    An entry is part of a recipe's code only if its key is a string in the recipe or in code that the recipe reaches, so
    that a new entry makes no result stale. A key that is built at run time would be missed, and so would an entry that
    is added later, which is refused.
    """

    def __setitem__(self, key: str, value: T) -> None:
        """Refuse a new entry. Raises TypeError."""
        raise TypeError(f"{key!r} cannot be added to a table after its creation; expected it among its entries")
