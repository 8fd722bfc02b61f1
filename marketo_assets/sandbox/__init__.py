"""A local Marketo: an island.

It imports nothing of the pipeline and nothing of the pipeline imports it. Both read Adobe's published
documentation, each for itself: a constant they shared would carry one mistake to both sides.
world.py is what the instance holds; everything else is how it answers.
"""
