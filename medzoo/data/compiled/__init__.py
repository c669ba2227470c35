"""Chains of layers as one compiled graph, for data pipelines.

Imports `medzoo.layers`; the store and the feeds import it.
"""
