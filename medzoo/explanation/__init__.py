"""Explanations of predictions: attributions in voxels, and regions replaced.

Imports `medzoo.zoo` and all below it; reporting and the commands import it.
"""
