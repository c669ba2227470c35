"""Cohorts on many machines: Ray decides what runs where.

Imports `medzoo.batch` and all below it; commands import it. Shards, which need no Ray,
and object stores are in `medzoo.batch` and `medzoo.io`.
"""
