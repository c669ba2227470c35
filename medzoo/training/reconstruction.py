"""Training of autoencoders: data, initialisation and metrics."""

import keras
import numpy as np

from medzoo.data.feeds.reconstruction import ReconstructionDataset, prepared_cases
from medzoo.errors import InputError
from medzoo.inference.spread import spread_when_shifted
from medzoo.progress import every_twentieth
from medzoo.training.linear_start import start_linearly
from medzoo.training.network import single_network
from medzoo.training.settings import TrainingSettings
from medzoo.training.task_training import ImageTraining


class ReconstructionTraining(ImageTraining):
    """Trains an autoencoder, see `ImageTraining`.

    `training.options` of the recipe may have `linear_start` (bool: the linear path
    begins as the principal components of all kept versions of the training cases),
    `closed_form` (bool: and nothing else is trained) and `channel_dropout` (see
    `medzoo.data.feeds.reconstruction.ReconstructionDataset`).
    """

    predicts_spread = True

    def usual_loss(self):
        """See `TaskTraining`."""
        return keras.losses.MeanSquaredError()

    def prepare(self, cases, keeping, *, tables=None, workers=2, log):
        """See `ImageTraining`.

        Raises:
            InputError: if a case lacks a channel: there would be nothing to compare its
                reconstruction with.
        """
        incomplete = [
            c.case_id for c in cases if len(c.images) < len(self.recipe["channels"])
        ]
        if incomplete:
            raise InputError(
                "An autoencoder learns from cases with all channels. "
                f"Received: case_id={incomplete[0]!r} without one ({len(incomplete)} "
                "such cases). Leave them out of the table."
            )
        self.settings = TrainingSettings.from_recipe(self.recipe)
        self.prepared = prepared_cases(cases, self.recipe, **keeping)
        self.prepared.prepare(workers=workers, progress=every_twentieth(log))

    def dataset(self, indices, seed):
        """Returns what `fit` trains on: versions of the chosen cases, twice."""
        return ReconstructionDataset(
            self.prepared,
            self.recipe,
            batch_size=self.settings.batch_size,
            seed=seed,
            indices=indices,
            channel_dropout=self.settings.options.get("channel_dropout", 0.0),
        )

    def start(self, data, path, log):
        """See `ImageTraining`."""
        if not self.settings.options.get("linear_start"):
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._linear(data).save_weights(path)
        return path

    def closed_form(self, data):
        """See `ImageTraining`."""
        if not self.settings.options.get("closed_form"):
            return None
        return self._linear(data)

    def errors_and_spread(self, model, placed, preprocessor):
        """See `ImageTraining`; over the network's input."""
        image = preprocessor.normalize(placed.array[None])[0]
        output, spread = spread_when_shifted(
            lambda moved: model.predict_on_batch(moved[None])[0], image
        )
        return output - image, spread

    def _linear(self, data):
        model = single_network(self.recipe)
        start_linearly(model, all_versions(data))
        return model

    def measure(self, indices):
        """Returns a callable `(model, writer=None)` -> dict, or None without indices.

        `explained_variance` is 1 minus the mean squared error over the variance of
        each chosen case, averaged; `reconstruction_error` is the rest.
        """
        chosen = [int(index) for index in indices]

        def measure(model, writer=None):
            errors = []
            for number, index in enumerate(chosen):
                image = self.prepared.get(index)["image"]
                x = self.prepared.preparation.preprocessor.normalize(image[None])
                output = np.asarray(model.predict_on_batch(x))
                errors.append(np.square(output - x).mean() / x.var())
                if writer is not None and number < 2:
                    step = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
                    picture = beside(x[0, ..., 0], output[0, ..., 0])
                    writer.picture(f"case_{number}", picture, step)
            error = float(np.mean(errors))
            return {"explained_variance": 1 - error, "reconstruction_error": error}

        return measure if chosen else None


def all_versions(data):
    """Returns every kept version of a data set's cases.

    Args:
        data: `ReconstructionDataset`.

    Returns:
        `(versions, x, y, z, channels)` float16.
    """
    versions = [
        version.astype(np.float16)
        for index in data.indices
        for version in data.variants.versions(int(index))
    ]
    return np.stack(versions)


def beside(image, output):
    """Returns a picture: the middle axial slice of an image, and of the output.

    Args:
        image: `(x, y, z)` float.
        output: likewise.

    Returns:
        `(rows, columns)` uint8, anterior on top, both on one scale.
    """
    middle = image.shape[2] // 2
    both = np.concatenate([np.rot90(v[..., middle]) for v in (image, output)], axis=1)
    low, high = np.percentile(image, [0.5, 99.5])
    grey = (both - low) / max(high - low, 1e-6)
    return np.clip(255 * grey, 0, 255).astype(np.uint8)
