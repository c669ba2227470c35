"""Image contrasts of the training scanners; distances of held-out scans."""

import numpy as np

from medzoo.data.cases.cohort import SOURCE
from medzoo.errors import InputError
from medzoo.layers.known_contrasts import KnownContrasts
from medzoo.models.ensemble import KNOWN_NAME
from medzoo.training.held_out import of_others
from medzoo.training.out_of_scanner import sources_of


class TrainingContrasts:
    """What `KnownContrasts` of a network sees of all cases, in every way of stripping.

    Args:
        recipe: dict, the recipe's content, of a network with `known_contrasts`.
        prepared: `PreparedCases`, prepared.

    Raises:
        InputError: for more scanners than the layer keeps.
    """

    def __init__(self, recipe, prepared):
        settings = recipe["architecture"]["arguments"]["known_contrasts"]
        self._make = lambda: KnownContrasts(**settings)
        describe = self._make().describe
        sources = sources_of(prepared.cases)
        features, cases, contrasts, plain = [], [], [], []
        self._source_of, self._people = {}, [case.person for case in prepared.cases]
        for index, case in enumerate(prepared.cases):
            for way in prepared.preparation.ways(case):
                features.append(_described(prepared, index, way, describe))
                cases.append(index)
                contrasts.append(f"{sources[index]} {way}")
                self._source_of[contrasts[-1]] = sources[index]
            plain.append(_described(prepared, index, 0, describe))
        most, found = self._make().num_contrasts, len(set(contrasts))
        if found > most:
            raise InputError(
                f"At most {most} scanners, counted once for each way of stripping, can "
                f"be told apart. Received: {found} in the column {SOURCE}. Merge some, "
                "or raise num_contrasts in the recipe."
            )
        self._features = np.concatenate(features)
        self._cases, self._contrasts = np.array(cases), np.array(contrasts)
        self._plain = np.concatenate(plain)
        self._shape = _normalized(prepared, 0, 0).shape

    def held_out_distances(self, groups):
        """Returns the distance of each case from those of other groups, `(cases,)`.

        Cases of people who have one in its own group are left out.

        Args:
            groups: sequence, one a case: a fold, or a scanner.
        """
        groups = np.asarray(groups)
        distances = np.zeros(len(groups))
        for group in np.unique(groups):
            inside = groups == group
            others = of_others(groups, self._people, group)
            layer = self._fitted(np.isin(self._cases, others))
            distances[inside] = layer.distance(self._plain[inside])
        return distances

    @property
    def sources(self):
        """The scanner of each contrast that the layer keeps, list of str, in order."""
        names = dict.fromkeys(self._contrasts.tolist())
        return [self._source_of[name] for name in names]

    def into(self, model):
        """Fits the layer of a network to all cases."""
        fitted = self._fitted(np.ones(len(self._cases), bool))
        model.get_layer(KNOWN_NAME).set_weights(fitted.get_weights())

    def _fitted(self, rows):
        layer = self._make()
        layer.build(self._shape)
        layer.fit(self._features[rows], self._contrasts[rows])
        return layer


def _described(prepared, index, way, describe):
    return describe(_normalized(prepared, index, way))


def _normalized(prepared, index, way):
    image = prepared.get(index, way)["image"]
    return prepared.preparation.preprocessor.normalize(image[None])
