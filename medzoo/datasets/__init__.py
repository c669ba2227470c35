"""Public data sets and BIDS trees as case tables, and their download.

Imports `medzoo.data.cases`; feeds and all above import it.
"""
