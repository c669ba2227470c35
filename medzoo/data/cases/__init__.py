"""Case tables: cases, their targets, splits, groups and labels, before any training.

Imports volumes, `medzoo.io` and `medzoo.spatial`; data sets and feeds import it.
"""
