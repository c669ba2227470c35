"""The picture of `medzoo demo`: three slices of the scan, and what the models said."""

from medzoo.drawing.figure import slices_figure
from medzoo.drawing.slice_views import CONVENTION
from medzoo.files import replace_atomically

RESEARCH_ONLY = "For research. Not for diagnosis."


def draw(volume, results, path):
    """Draws three orthogonal slices through the middle of the head, results beside.

    Args:
        volume: Volume in any orientation; of several channels, the first is shown.
        results: dict of model name -> what it said; `str()` of it is written, and the
            first label map among them is laid over the slices.
        path: where to; the suffix (.png, .pdf, .svg) chooses the format.

    Returns:
        matplotlib Figure, as drawn.
    """
    figure = slices_figure(
        volume,
        _labels_of(results),
        blocks=[(name, str(said)) for name, said in results.items()],
        notes=(CONVENTION, RESEARCH_ONLY),
    )
    with replace_atomically(path) as temporary:
        figure.savefig(temporary, facecolor="black", dpi=120)
    return figure


def _labels_of(results):
    """The first label map among the results, or None."""
    for found in results.values():
        if getattr(found, "labels", None) is not None:
            return found.classes()
    return None
