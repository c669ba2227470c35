"""Classification: whole scans and a class, such as the sex."""

from medzoo.data.feeds.labelled_cases import batches, split, usable_cases
from medzoo.data.feeds.whole_cases import prepared_cases

__all__ = ["batches", "prepared_cases", "split", "usable_cases"]
