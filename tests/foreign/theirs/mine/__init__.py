"""A paper's own package, for the tests that install the wheel beside it."""
