"""WholeCases: whole scans on the network's grid, before the normalising layers."""

from medzoo.data.cases.label_check import (
    check_label_place,
    first_image,
    read_labels_at,
)
from medzoo.data.cases.training_views import read_views, strip
from medzoo.data.store.prepared_cases import IMAGE, Preparation, PreparedCases
from medzoo.preprocess import Preprocessor


class WholeCases(Preparation):
    """Applies the spatial steps to whole scans; gives `image`, float32.

    A way of preparing a case is the number of a view: the first that strips as it does,
    since views that only augment differently share the prepared volume.

    Args:
        recipe: dict, the recipe's content.
        views: list of `View`, or None for those of the recipe's training section.
    """

    def __init__(self, recipe, views=None):
        known = read_views(recipe.get("training", {})) if views is None else views
        self.views = list(known)
        self.preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
        # The normalising layers come after: another choice of them costs nothing.
        spatial = {"spatial": recipe["preprocessing"].get("spatial", [])}
        self._facts = [spatial, recipe["channels"]]
        strips = [view.strip for view in self.views]
        self.way_of = [strips.index(one) for one in strips]

    def views_of(self, case):
        """Returns the numbers of the views that a case can be shown in."""
        return [
            number
            for number, view in enumerate(self.views)
            if view.strip is None or case.path(view.strip["column"]) is not None
        ]

    def ways(self, case):
        """One for every kind of view that the case has."""
        return list(dict.fromkeys(self.way_of[view] for view in self.views_of(case)))

    def files(self, case, way=0):
        """The images, and the label map that they are stripped by."""
        by = self.views[way].strip
        return [
            *super().files(case),
            *([] if by is None else [case.path(by["column"])]),
        ]

    def facts(self, case, way=0):
        """The spatial steps, the channels, and how the view strips."""
        return [*self._facts, self.views[way].strip]

    def __call__(self, case, way=0):
        """Reads a case, strips it if the view does, and applies the spatial steps.

        Raises:
            InputError: for a case that cannot be worked on.
        """
        volume = self.preprocessor.gather(case.images)
        by = self.views[way].strip
        if by is not None:
            place = case.path(by["column"])
            labels = read_labels_at(place)
            check_label_place(volume, labels, first_image(case), place)
            volume = strip(volume, labels, above=by["above"], dilate_mm=by["dilate_mm"])
        placed, _ = self.preprocessor.place(volume)
        return {IMAGE: placed.array}


def prepared_cases(cases, recipe, *, views=None, **keeping):
    """Returns `PreparedCases` of whole scans.

    Args:
        cases: list of `Case`.
        recipe: dict, the recipe's content.
        views: list of `View`, or None for those of the recipe's training section.
        **keeping: `mode` and `folder` of `PreparedCases`.
    """
    return PreparedCases(cases, WholeCases(recipe, views), **keeping)
