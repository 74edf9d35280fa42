"""Measures that are kept: what they gave, per seed, lies beside the trainings that they were taken of."""

from gen_core.measuring.folder import Place
from gen_core.measuring.keeping import MEASURES_STREAMS, measure, place_of, place_of_draws
from gen_core.measuring.parts import Part

__all__ = ["MEASURES_STREAMS", "Part", "Place", "measure", "place_of", "place_of_draws"]
