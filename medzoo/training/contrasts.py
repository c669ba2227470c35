"""The contrasts of the scanners of training, and distances of held-out scans."""

import json

import numpy as np

from medzoo.layers.known_contrasts import KnownContrasts
from medzoo.models.ensemble import KNOWN_NAME
from medzoo.training.out_of_scanner import sources_of


class TrainingContrasts:
    """What `KnownContrasts` of a network sees of all cases, in every way of stripping.

    Args:
        recipe: dict, the recipe's content, of a network with `known_contrasts`.
        prepared: `PreparedCases`, prepared.
    """

    def __init__(self, recipe, prepared):
        settings = recipe["architecture"]["arguments"]["known_contrasts"]
        self._make = lambda: KnownContrasts(**settings)
        describe = self._make().describe
        sources = sources_of(prepared.cases)
        features, cases, contrasts, plain = [], [], [], []
        for index in range(len(prepared)):
            ways = {}
            for view in prepared.views_of(index):
                way = json.dumps(prepared.views[view].strip, sort_keys=True)
                ways.setdefault(way, view)
            for way, view in ways.items():
                features.append(_described(prepared, index, view, describe))
                cases.append(index)
                contrasts.append(f"{sources[index]} {way}")
            plain.append(_described(prepared, index, 0, describe))
        self._features = np.concatenate(features)
        self._cases, self._contrasts = np.array(cases), np.array(contrasts)
        self._plain = np.concatenate(plain)
        self._shape = prepared.preprocessor.normalize(prepared.get(0)[None]).shape

    def held_out_distances(self, groups):
        """Returns how far each case is from the cases of other groups, `(cases,)`.

        Args:
            groups: sequence, one a case: a fold, or a scanner.
        """
        groups = np.asarray(groups)
        distances = np.zeros(len(groups))
        for group in np.unique(groups):
            inside = groups == group
            layer = self._fitted(~inside[self._cases])
            distances[inside] = layer.distance(self._plain[inside])
        return distances

    def into(self, model):
        """Fits the layer of a network to all cases."""
        fitted = self._fitted(np.ones(len(self._cases), bool))
        model.get_layer(KNOWN_NAME).set_weights(fitted.get_weights())

    def _fitted(self, rows):
        layer = self._make()
        layer.build(self._shape)
        layer.fit(self._features[rows], self._contrasts[rows])
        return layer


def _described(prepared, index, view, describe):
    image = prepared.get(index, view)
    return describe(prepared.preprocessor.normalize(image[None]))
