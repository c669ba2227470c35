"""Data in the Brain Imaging Data Structure (BIDS): trees as case tables.

Imports `medzoo.data.cases`; feeds and all above import it.
"""

from medzoo.datasets.bids.cases import bids_cases, is_bids, read_bids

__all__ = ["bids_cases", "is_bids", "read_bids"]
