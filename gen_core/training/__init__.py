"""Training: everything that turns a recipe and a seed into weights. The store's keys depend on all of this wing."""
