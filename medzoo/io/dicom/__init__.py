"""DICOM from scanners and archives: series are found, listed and read.

Imports the rest of `medzoo.io` and pydicom; `medzoo.io.image_files` imports it.
"""

from medzoo.io.dicom.place import is_dicom, split_series
from medzoo.io.dicom.read import list_series, read_dicom

__all__ = ["is_dicom", "list_series", "read_dicom", "split_series"]
