"""The code behind a recipe, followed by reading it: what the key of a stored result depends on."""
