"""Records of a run -> static HTML, a history of all runs, and files for other programs."""
