"""Slices of volumes as pictures, for notebooks, reports and the demo.

Imports `medzoo.io` and `medzoo.spatial`; inference and all above import it.
"""
