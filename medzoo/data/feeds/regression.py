"""Regression: whole scans and a number, such as an age."""

from medzoo.data.feeds.labelled_cases import batches, split, usable_cases
from medzoo.data.feeds.whole_cases import prepared_cases

__all__ = ["batches", "prepared_cases", "split", "usable_cases"]
