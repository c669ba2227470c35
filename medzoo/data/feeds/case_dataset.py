"""CaseDataset: batches of whole cases, drawn, augmented and normalised."""

import keras
import numpy as np

from medzoo.data.cases.balance import draw_by_weight
from medzoo.data.compiled.compiled_pipeline import CompiledPipeline, run_seeded
from medzoo.data.store.prepared_cases import IMAGE
from medzoo.errors import InputError
from medzoo.preprocess import make_layer


class CaseDataset(keras.utils.PyDataset):
    """Batches of prepared, augmented and normalised cases.

    What an epoch draws follows from `seed`, the epoch and the case alone, so that a
    resumed training sees what an uninterrupted one would have seen.

    Args:
        prepared: `PreparedCases` of `WholeCases`.
        targets: sequence of float or int, one a case.
        batch_size: int.
        augment: bool.
        shuffle: bool.
        seed: int.
        indices: sequence of int or None, the cases to use; None for all.
        variants: `Variants` to share between data sets, or None for own ones.
        weights: `(cases,)` array or None, how often each is drawn where cases are
            shuffled and augmented (see `medzoo.data.cases.balance`); None for once an
            epoch.
    """

    def __init__(
        self,
        prepared,
        targets,
        *,
        batch_size=4,
        augment=True,
        shuffle=True,
        seed=0,
        indices=None,
        variants=None,
        weights=None,
    ):
        super().__init__()
        if batch_size < 1:
            raise InputError(
                f"`batch_size` must be at least 1. Received: batch_size={batch_size}."
            )
        self.prepared = prepared
        self.targets = np.asarray(targets)
        is_float = self.targets.dtype.kind == "f"
        self.targets = self.targets.astype(np.float32 if is_float else np.int32)
        self.batch_size = batch_size
        self.augment = augment
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        everything = range(len(prepared))
        self.indices = np.asarray(list(everything if indices is None else indices))
        self.preprocessor = prepared.preparation.preprocessor
        self.variants = variants or Variants(prepared, seed)
        self.weights = None if weights is None else np.asarray(weights)[self.indices]

    def __len__(self):
        return max(1, -(-len(self.indices) // self.batch_size))

    def __getitem__(self, number):
        order = self._order()
        # Even sizes: a last batch of one case would upset batch normalisation.
        chosen = np.array_split(order, len(self))[number]
        before = np.array_split(_times_before(order), len(self))[number]
        images = np.stack(
            [self._sample(int(i), int(n)) for i, n in zip(chosen, before, strict=True)]
        )
        if not self.augment:
            images = self.preprocessor.normalize(images)
        return images, self.targets[chosen][:, None]

    def on_epoch_end(self):
        """Keras calls this: the next epoch has another order and other draws."""
        self.epoch += 1

    def _order(self):
        if not self.shuffle:
            return self.indices
        generator = np.random.default_rng([self.seed, self.epoch])
        if self.weights is None or not self.augment:
            return generator.permutation(self.indices)
        return draw_by_weight(self.indices, self.weights, generator)

    def _sample(self, index, before):
        if not self.augment:
            return self.prepared.get(index)[IMAGE]
        # A case that is drawn again in an epoch is another version of it.
        again = [before] if before else []
        generator = np.random.default_rng([self.seed, 1, self.epoch, index, *again])
        return self.variants.draw(index, generator)


def _times_before(order):
    """Returns of each place how often its index stands before it."""
    seen, counts = {}, []
    for index in order.tolist():
        counts.append(seen.get(index, 0))
        seen[index] = counts[-1] + 1
    return np.array(counts, int)


class Variants:
    """Augmented and normalised versions of cases, cached for views with `num_variants`.

    Args:
        prepared: `PreparedCases` of `WholeCases`.
        seed: int.
    """

    def __init__(self, prepared, seed):
        self.prepared = prepared
        self.preprocessor = prepared.preparation.preprocessor
        self.views = prepared.preparation.views
        self.seed = seed
        self._chains = [
            CompiledPipeline([make_layer(s) for s in view.augmentation])
            for view in self.views
        ]
        self._kept = {}

    def views_of(self, index):
        """Returns the numbers of the views that a case can be shown in."""
        return self.prepared.preparation.views_of(self.prepared.cases[index])

    def draw(self, index, generator):
        """Returns one version of a case as the network sees it, float32."""
        possible = self.views_of(index)
        rates = _shares([self.views[view].rate for view in possible])
        view = possible[generator.choice(len(possible), p=rates)]
        count = self.views[view].num_variants
        if count == 0:
            return self._make(index, view, generator)
        return self._version(index, view, int(generator.integers(count)))

    def versions(self, index):
        """Yields every version of a case that is kept, in all its views, float32.

        A view without kept versions gives one.
        """
        for view in self.views_of(index):
            for number in range(max(1, self.views[view].num_variants)):
                yield self._version(index, view, number)

    def shares(self, index):
        """Returns the weight of each of `versions` by its view's rate; sum 1."""
        rates = []
        for number in self.views_of(index):
            view = self.views[number]
            count = max(1, view.num_variants)
            rates += [view.rate / count] * count
        return _shares(rates)

    def _version(self, index, view, number):
        key = (index, view, number)
        if key not in self._kept:
            own = np.random.default_rng([self.seed, 2, *key])
            # Half the memory; normalised values have three digits to spare.
            self._kept[key] = self._make(index, view, own).astype(np.float16)
        return self._kept[key].astype(np.float32)

    def _make(self, index, view, generator):
        way = self.prepared.preparation.way_of[view]
        image = self.prepared.get(index, way)[IMAGE]
        # Coordinates behind the channels are no intensities, and stay.
        count = len(self.preprocessor.channels)
        changed = run_seeded(self._chains[view], image[..., :count], generator)
        changed = np.asarray(changed, np.float32)
        image = np.concatenate([changed, image[..., count:]], -1)
        return self.preprocessor.normalize(image[None])[0]


def _shares(rates):
    # A case may lack the maps of all views that have a rate.
    rates = np.array(rates, float) if any(rates) else np.ones(len(rates))
    return rates / rates.sum()
