"""A finer image in a report."""

from medzoo.reporting.task_report import ImageReport


class SuperResolutionReport(ImageReport):
    """Shows finer images, see `TaskReport`."""
