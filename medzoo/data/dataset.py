"""dataset: a case table as what `fit` takes."""

import keras
import numpy as np

from medzoo.data.balance import case_weights, draw_by_weight, read_balance
from medzoo.data.cases import Case, read_cases
from medzoo.data.cohort import GROUP_COLUMNS
from medzoo.data.compiled_pipeline import CompiledPipeline, run_seeded
from medzoo.data.prepared import PreparedCases
from medzoo.data.splits import stratified_folds
from medzoo.data.targets import target_column, target_value
from medzoo.data.views import columns_of, read_views
from medzoo.errors import InputError, RecipeError
from medzoo.preprocess import Preprocessor, make_layer

SPLITS = (None, "train", "validation")


def dataset(
    cases,
    model_or_recipe,
    *,
    batch_size=4,
    augment=True,
    shuffle=True,
    split=None,
    target=None,
    seed=0,
    mode="memory",
    folder=None,
):
    """Makes of a case table the batches that a model is trained or evaluated on.

    Scans are read and prepared once, at first use, and kept as `mode` says.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        model_or_recipe: model of the zoo, or a recipe (dict or `Recipe`).
        batch_size: int. Batches differ by one case at most. Defaults to 4.
        augment: bool, draw views and augmentation as the recipe's training section
            says. Defaults to True; use False for validation.
        shuffle: bool, another order every epoch. Defaults to True.
        split: None for all cases; "train" or "validation" for the recipe's first fold
            left out or alone, or for the cases that its split names.
        target: str or None, the column with the truth instead of the recipe's; for
            label maps also "COLUMN:CODES.csv".
        seed: int. The same seed gives the same batches.
        mode: str, where prepared scans are: "memory"; "cached", on disk as memory maps,
            of which a patch is read without its volume; or "streamed", read and
            prepared again whenever they are needed, a few at a time. See
            `medzoo.PatchFeed`.
        folder: path or None, where prepared scans are kept on disk between runs. None:
            nowhere, or with "cached" in medzoo's cache folder.

    Returns:
        `CaseDataset`, a `keras.utils.PyDataset` of `(images, targets)`: float32
        `(batch, x, y, z, channels)`, and `(batch, 1)`, float32 in the target's unit or
        int32 class indices. Models that answer in images get what their task learns
        from: a `PatchDataset` of images and one-hot classes, a `SuperResolutionDataset`
        of coarse and fine patches, a `ReconstructionDataset`.

    Raises:
        InputError: for a table without usable cases, or an unknown split.
        RecipeError: if the model carries no recipe.
    """
    recipe = _recipe(model_or_recipe)
    if split not in SPLITS:
        raise InputError(f"`split` must be one of {SPLITS}. Received: split={split!r}.")
    if recipe["task"] not in ("regression", "classification"):
        # Imported here: it builds on CaseDataset.
        from medzoo.data.image_dataset import image_dataset

        return image_dataset(
            cases,
            recipe,
            split=split,
            target=target,
            folder=folder,
            mode=mode,
            batch_size=batch_size,
            augment=augment,
            shuffle=shuffle,
            seed=seed,
        )
    labelled = labelled_cases(cases, recipe, target)
    targets = [target_value(case, recipe) for case in labelled]
    if split is not None:
        chosen = _split(labelled, targets, recipe, split)
        labelled = [labelled[i] for i in chosen]
        targets = [targets[i] for i in chosen]
    views = read_views(recipe.get("training", {}))
    return CaseDataset(
        PreparedCases(labelled, recipe, views, folder, mode),
        targets,
        recipe,
        batch_size=batch_size,
        augment=augment,
        shuffle=shuffle,
        seed=seed,
        weights=case_weights(labelled, targets, recipe.get("training", {})),
    )


def labelled_cases(cases, recipe, target=None):
    """Returns the cases that have a target.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        recipe: dict.
        target: str or None, a column instead of the recipe's.

    Raises:
        InputError: if none has.
    """
    if not (isinstance(cases, list) and all(isinstance(c, Case) for c in cases)):
        column = target_column(recipe, target)
        training = recipe.get("training", {})
        columns = [*columns_of(read_views(training)), "subject", *GROUP_COLUMNS]
        columns += (read_balance(training) or [[]])[0]
        cases = read_cases(cases, recipe["channels"], target=column, columns=columns)
    labelled = [case for case in cases if case.target is not None and case.images]
    if not labelled:
        raise InputError(
            "A data set needs cases with an image and a target. "
            f"Received: {len(cases)} cases, none with both. Fill in the table."
        )
    return labelled


class CaseDataset(keras.utils.PyDataset):
    """Batches of prepared, augmented and normalised cases.

    What an epoch draws follows from `seed`, the epoch and the case alone, so that a
    resumed training sees what an uninterrupted one would have seen.

    Args:
        prepared: `PreparedCases`.
        targets: sequence of float or int, one a case.
        recipe: dict.
        batch_size: int.
        augment: bool.
        shuffle: bool.
        seed: int.
        indices: sequence of int or None, the cases to use; None for all.
        variants: `Variants` to share between data sets, or None for own ones.
        weights: `(cases,)` array or None, how often each is drawn where cases are
            shuffled and augmented (see `medzoo.data.balance`); None for once an epoch.
    """

    def __init__(
        self,
        prepared,
        targets,
        recipe,
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
        kind = np.float32 if recipe["task"] == "regression" else np.int32
        self.targets = np.asarray(targets, kind)
        self.batch_size = batch_size
        self.augment = augment
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        everything = range(len(prepared))
        self.indices = np.asarray(list(everything if indices is None else indices))
        self.preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
        self.variants = variants or Variants(prepared, self.preprocessor, seed)
        self.weights = None if weights is None else np.asarray(weights)[self.indices]

    def __len__(self):
        return max(1, -(-len(self.indices) // self.batch_size))

    def __getitem__(self, number):
        order = self._order()
        # Even sizes: a last batch of one case would upset batch normalisation.
        chosen = np.array_split(order, len(self))[number]
        images = np.stack([self._sample(int(index)) for index in chosen])
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

    def _sample(self, index):
        if not self.augment:
            return self.prepared.get(index)
        generator = np.random.default_rng([self.seed, 1, self.epoch, index])
        possible = self.prepared.views_of(index)
        rates = np.array([self.prepared.views[v].rate for v in possible], float)
        # A case may lack the maps of all views that have a rate.
        rates = rates if rates.any() else np.ones_like(rates)
        view = possible[generator.choice(len(possible), p=rates / rates.sum())]
        return self.variants.draw(index, view, generator)


class Variants:
    """Augmented and normalised versions of cases: kept, where a view says so.

    Args:
        prepared: `PreparedCases`.
        preprocessor: `Preprocessor`, for its normalising layers.
        seed: int.
    """

    def __init__(self, prepared, preprocessor, seed):
        self.prepared = prepared
        self.preprocessor = preprocessor
        self.seed = seed
        self._chains = [
            CompiledPipeline([make_layer(s) for s in view.augmentation])
            for view in prepared.views
        ]
        self._kept = {}

    def draw(self, index, view, generator):
        """Returns one version of a case as the network sees it, float32."""
        count = self.prepared.views[view].num_variants
        if count == 0:
            return self._make(index, view, generator)
        return self._version(index, view, int(generator.integers(count)))

    def versions(self, index):
        """Yields every version of a case that is kept, in all its views, float32.

        A view without kept versions gives one.
        """
        for view in self.prepared.views_of(index):
            for number in range(max(1, self.prepared.views[view].num_variants)):
                yield self._version(index, view, number)

    def shares(self, index):
        """Returns what each of `versions` counts by its view's rate; 1 together."""
        rates = []
        for number in self.prepared.views_of(index):
            view = self.prepared.views[number]
            count = max(1, view.num_variants)
            rates += [view.rate / count] * count
        # A case may lack the maps of all views that have a rate.
        rates = np.array(rates) if any(rates) else np.ones(len(rates))
        return rates / rates.sum()

    def forget(self, index):
        """Lets go of the kept versions of a case."""
        for key in [key for key in self._kept if key[0] == index]:
            del self._kept[key]

    def _version(self, index, view, number):
        key = (index, view, number)
        if key not in self._kept:
            own = np.random.default_rng([self.seed, 2, *key])
            # Half the memory; normalised values have three digits to spare.
            self._kept[key] = self._make(index, view, own).astype(np.float16)
        return self._kept[key].astype(np.float32)

    def _make(self, index, view, generator):
        image = self.prepared.get(index, view)
        # Coordinates behind the channels are no intensities, and stay.
        count = len(self.preprocessor.channels)
        changed = apply(self._chains[view], image[..., :count], generator)
        image = np.concatenate([changed, image[..., count:]], -1)
        return self.preprocessor.normalize(image[None])[0]


def apply(chain, image, generator):
    """Sends one volume through random layers; draws follow from `generator` alone."""
    return np.asarray(run_seeded(chain, image, generator), np.float32)


def _recipe(model_or_recipe):
    if isinstance(model_or_recipe, dict):
        return model_or_recipe
    if hasattr(model_or_recipe, "to_dict"):
        return model_or_recipe.to_dict()
    recipe = getattr(model_or_recipe, "recipe", None)
    if recipe is None:
        raise RecipeError(
            "A data set needs a model of the zoo or a recipe. "
            f"Received: {type(model_or_recipe).__name__} without a recipe. "
            "Load the model with medzoo.load, or use medzoo.attach(model, recipe)."
        )
    return recipe


def _split(cases, targets, recipe, split):
    settings = recipe.get("training", {}).get("split", {"num_folds": 5, "seed": 42})
    subjects = [case.person for case in cases]
    folds = stratified_folds(subjects, targets, settings["num_folds"], settings["seed"])
    wanted = split == "validation"
    return [i for i, fold in enumerate(folds) if (fold == 0) == wanted]
