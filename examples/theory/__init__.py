"""What the claims of this repository share: papers, data sets, a potential, and the drawing of curves."""
