"""Records of a run -> static HTML: an index, and one page per claim case."""
