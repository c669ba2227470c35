"""PatchDataset: random patches of labelled scans, balanced over classes and sources."""

import numpy as np

from medzoo.data.cases.case_sources import unions_of
from medzoo.data.compiled.compiled_pipeline import CompiledPipeline, run_seeded
from medzoo.data.feeds.boxes import centre_box, cut_box
from medzoo.data.feeds.label_positions import CLASSES, POSITIONS
from medzoo.data.feeds.labelled_scans import (
    MARKS,
    PRESENT,
    whole_volume_layers,
)
from medzoo.data.feeds.random_patches import RandomPatches, group_by
from medzoo.data.store.prepared_cases import IMAGE, LABELS
from medzoo.errors import RecipeError
from medzoo.preprocess import make_layer

IMAGES, MASKS = "images", "segmentation_masks"


class PatchDataset(RandomPatches):
    """Batches of patches, drawn anew in every epoch.

    A patch comes from a source, by the sources' rates; from one of its cases; and lies
    about a voxel of a class drawn by the recipe's class weights among those that the
    case has. It is moved and bent out of a larger region, gets lesions and synthetic
    channels where its source says so, then noise, blur and contrast of the recipe's
    augmentation; at last some channels are taken away, never all.

    The recipe's training section says the rest: `patch_size`, `batch_size`,
    `steps_per_epoch`, `augmentation` (after the patch is cut), and in `options`:
    `sources` (see `medzoo.data.cases.case_sources.Source`), `class_weights` (one a
    class), `movement` (layer settings of the spatial augmentation, a list of them, or
    absent), `margin` (voxels around a patch that movement may bring in),
    `channel_rates` (chance of each channel to stay), `reference_class` (whose mean
    intensity, or that of any of a list, becomes 1 in synthetic channels, as
    preprocessing does in real ones) and `coordinate_noise` (two standard deviations, of
    a shift of the coordinates that the step "add_coordinates" gave, and of their
    scale).

    Args:
        volumes: `PreparedCases` of `LabelledScans`.
        recipe: dict, the recipe's content.
        indices: sequence of int or None, the cases to use; None for all.
        seed: int.
        batch_size: int or None, instead of the recipe's.
        augment: bool; False leaves out movement and augmentation. Lesions and synthetic
            channels belong to the sources and stay.

    Raises:
        RecipeError: if patches are not described, or if channels are to be synthesised
            that the recipe's layers would have to normalise.
    """

    def __init__(
        self,
        volumes,
        recipe,
        *,
        indices=None,
        seed=0,
        batch_size=None,
        augment=True,
    ):
        super().__init__(volumes, recipe, seed=seed, batch_size=batch_size)
        training = recipe["training"]
        options = training.get("options", {})
        self.margin = int(options.get("margin", 0))
        self.num_classes = len(recipe["class_names"])
        self.unions = unions_of(training)
        labels = self.num_classes + len(self.unions)
        weights = options.get("class_weights") or [1.0] * labels
        self.class_weights = np.asarray(weights, float)
        self.channel_rates = np.asarray(
            options.get("channel_rates") or [1.0] * len(recipe["channels"]), float
        )
        self.reference = options.get("reference_class")
        self.coordinate_noise = options.get("coordinate_noise") or (0.0, 0.0)
        chosen = range(len(volumes)) if indices is None else indices
        self._source_of = volumes.preparation.source_of
        names = [self._source_of(case).name for case in volumes.cases]
        sources = volumes.preparation.sources
        rates = {n: s.rate for n, s in sources.items() if s.rate}
        groups = group_by(names, chosen)
        # In the recipe's order, whatever that of the table.
        self._groups = {n: groups[n] for n in rates if n in groups}
        self._rates = rates
        movement, changes = options.get("movement"), training.get("augmentation", [])
        movement = movement if isinstance(movement, list) else [movement]
        self._movement = _pipeline(movement if augment else [])
        self._augmentation = _pipeline(changes if augment else [])
        self._lesions = {n: _pipeline([s.lesions]) for n, s in sources.items()}
        self._synthesis = {n: _pipeline([s.synthesis]) for n, s in sources.items()}
        layers = recipe["preprocessing"].get("layers", [])
        self._marks = any(settings["class"] == MARKS for settings in layers)
        self._refuse_unscaled(recipe)
        self._sets = {
            n: _label_sets(s.any_of, self.num_classes) for n, s in sources.items()
        }

    def _refuse_unscaled(self, recipe):
        made = [n for n, pipeline in self._synthesis.items() if pipeline is not None]
        layers = [settings["class"] for settings in whole_volume_layers(recipe)]
        if made and layers:
            raise RecipeError(
                "Synthetic channels are scaled by `reference_class` alone, so a recipe "
                f"with them has no layers but MarkChannels. Received: {layers}, and "
                f"synthesis in the sources {made}. Remove one of the two."
            )

    def patch(self, number):
        """Returns the patch of a number in this epoch.

        Args:
            number: int.

        Returns:
            image `(x, y, z, channels)` float32, or `(x, y, z, 2 * channels)` with marks
            of which channels are there, where the recipe has `MarkChannels`; and
            `(x, y, z, num_classes)` float32, 1 at every class that the label may mean;
            or `(x, y, z)` int32, where the loss has `unions`. Coordinates that the
            recipe's steps add are the last channels.
        """
        generator = self.generator_of(number)
        index = self.draw_case(number, generator)
        case = self.volumes.get(index)
        source = self._source_of(self.volumes.cases[index])
        name, present = source.name, case[PRESENT]
        data = self._region(case, generator)
        data = _run(self._movement, data, generator)
        data = {key: centre_box(value, self.patch_size) for key, value in data.items()}
        data, places = self._without_places(data, len(present))
        data = _run(self._lesions[name], data, generator)
        if self._synthesis[name] is not None and (
            IMAGE not in case or generator.random() < source.synthesis_rate
        ):
            kept = present & (not source.synthesis_replaces)
            data = self._synthesise(data, name, kept, generator)
            present = np.ones_like(present)
        elif source.strip_rate and generator.random() < source.strip_rate:
            data[IMAGES] = np.where(data[MASKS] > 0, data[IMAGES], 0)
        data = _run(self._augmentation, data, generator)
        image = np.asarray(data[IMAGES], np.float32)
        kept = self._keep_channels(present, generator).astype(np.float32)
        image = image * kept
        if self._marks:
            image = np.concatenate([image, np.broadcast_to(kept, image.shape)], -1)
        if places is not None:
            image = np.concatenate([image, self._disturbed(places, generator)], -1)
        labels = np.asarray(data[MASKS])[..., 0]
        if self.unions:
            return image, labels.astype(np.int32)
        return image, self._sets[name][labels.astype(np.int64)]

    def _without_places(self, data, channels):
        """Parts the image from coordinates behind its channels, if there are any."""
        image = data[IMAGES]
        if image.shape[-1] == channels:
            return data, None
        return {**data, IMAGES: image[..., :channels]}, image[..., channels:]

    def _disturbed(self, places, generator):
        """Coordinates as a less exact registration would give them."""
        shift, scale = self.coordinate_noise
        shifts = generator.normal(0, shift, 3) if shift else np.zeros(3)
        factors = np.exp(generator.normal(0, scale, 3)) if scale else np.ones(3)
        return (places * factors + shifts).astype(np.float32)

    def _region(self, case, generator):
        """A patch and its margin about a voxel of a class; padded with 0."""
        classes = np.unique(case[CLASSES])
        possible = classes[self.class_weights[classes] > 0]
        classes = possible if len(possible) else classes
        weights = self.class_weights[classes]
        weights = weights if weights.sum() > 0 else np.ones_like(weights)
        drawn = classes[generator.choice(len(weights), p=weights / weights.sum())]
        places = case[POSITIONS][case[CLASSES] == drawn]
        centre = places[generator.integers(len(places))]
        # The patch inside where the volume is large enough, as padding teaches nothing;
        # its margin may be padded, else no patch would hold the outermost voxels.
        room = np.maximum(np.asarray(case[LABELS].shape) - self.patch_size, 0)
        start = np.clip(centre - self.patch_size // 2, 0, room) - self.margin
        size = self.patch_size + 2 * self.margin
        labels = cut_box(case[LABELS], start, size)[..., None].astype(np.int32)
        if IMAGE in case:
            image = cut_box(case[IMAGE], start, size).astype(np.float32)
        else:
            image = np.zeros((*size, len(case[PRESENT])), np.float32)
        return {IMAGES: image, MASKS: labels}

    def _synthesise(self, data, name, present, generator):
        made = _run(self._synthesis[name], {MASKS: data[MASKS]}, generator)
        made = {key: np.asarray(value) for key, value in made.items()}
        images = made[IMAGES]
        if self.reference is not None:
            images = images / self._level(images, made[MASKS][..., 0])
        images = np.where(present, np.asarray(data[IMAGES]), images)
        return {IMAGES: images.astype(np.float32), MASKS: made[MASKS]}

    def _level(self, images, labels):
        """Mean intensity of the reference class, or else of all tissue."""
        inside = np.isin(labels, self.reference)
        if inside.sum() < 50:
            inside = labels > 0
        if not inside.any():
            return np.float32(1.0)
        return np.maximum(images[inside].mean(axis=0), 1e-2)

    def _keep_channels(self, present, generator):
        kept = present & (generator.random(len(present)) < self.channel_rates)
        if not kept.any():
            kept = np.zeros_like(present)
            kept[generator.choice(np.flatnonzero(present))] = True
        return kept


def _pipeline(settings):
    layers = [make_layer(s) for s in settings if s is not None]
    return CompiledPipeline(layers) if layers else None


def _run(pipeline, data, generator):
    """Sends one patch through random layers; draws follow from `generator` alone."""
    return data if pipeline is None else run_seeded(pipeline, data, generator)


def _label_sets(any_of, num_classes):
    """`(num_classes, num_classes)` float32: row k marks what label k may mean."""
    table = np.eye(num_classes, dtype=np.float32)
    for label, classes in any_of.items():
        table[int(label), list(classes)] = 1.0
    return table
