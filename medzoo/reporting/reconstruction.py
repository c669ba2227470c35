"""A reconstruction in a report: the image, and the code that it was made from."""

import numpy as np

from medzoo.reporting.markup import element
from medzoo.reporting.task_report import ImageReport


class ReconstructionReport(ImageReport):
    """Shows reconstructed images, see `TaskReport`."""

    def section(self, found, population=None):
        """See `TaskReport`."""
        parts = super().section(found)
        if found.embedding is not None:
            numbers = len(found.embedding)
            text = (
                f"Reconstructed from the embedding of the scan, {numbers} numbers. "
                "Differences from the scan are what the embedding does not represent."
            )
            parts.append(element("p", text))
        return parts

    def stored(self, result, record):
        """See `ImageReport`."""
        content = super().stored(result, record)
        if "embedding" in record:
            content["embedding"] = np.array(record["embedding"], np.float32)
        return content
