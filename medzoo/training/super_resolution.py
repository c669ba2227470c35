"""Training of super-resolution: on patches, validated on whole scans."""

import keras
import numpy as np

from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.fine_scans import sources_of
from medzoo.data.feeds.super_resolution import SuperResolutionDataset, prepared_cases
from medzoo.data.feeds.upsampling import cubic_b_spline, fill_coarse
from medzoo.inference.super_resolution import super_resolve
from medzoo.metrics.head_psnr import head_mask, head_psnr
from medzoo.spatial.factor_grid import factor_of
from medzoo.training.least_squares_head import solve_head
from medzoo.training.network import single_network
from medzoo.training.settings import TrainingSettings
from medzoo.training.task_training import ImageTraining
from medzoo.training.weights_file import write_weights


class SuperResolutionTraining(ImageTraining):
    """Trains finer images, see `ImageTraining`.

    With `solved_batches` in the recipe's training options the last layer is solved for
    on so many batches, before training and once more after it. The column `source` of
    the cases names the kind of scan.
    """

    cross_validated = False
    predicts_spread = True

    def usual_loss(self):
        """See `TaskTraining`."""
        return keras.losses.MeanSquaredError()

    def prepare(self, cases, keeping, *, tables=None, workers=2, log):
        """See `ImageTraining`; scans are read when they are first needed."""
        self.volumes = prepared_cases(cases, self.recipe, **keeping)
        self.settings = TrainingSettings.from_recipe(self.recipe)
        self.batches = self.settings.options.get("solved_batches", 0)

    def dataset(self, indices, seed):
        """See `ImageTraining`.

        Raises:
            RecipeError: if the recipe does not describe patches.
        """
        return SuperResolutionDataset(
            self.volumes, self.recipe, indices=indices, seed=seed
        )

    def start(self, data, path, log):
        """Fresh weights whose last layer is solved for, where the recipe wants it."""
        if not self.batches:
            return None
        if path.is_file():
            return path
        log(f"solving for the last layer on {self.batches} batches")
        keras.utils.set_random_seed(self.settings.seed)
        model = single_network(self.recipe)
        solve_head(model, data, self.batches)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_weights(model, path, dtype="float32")
        return path

    def measure(self, indices):
        """See `ImageTraining`."""
        return Gain(self.volumes, self.recipe, indices) if indices else None

    def finish(self, model, data, measure, log):
        """The model with its last layer solved for, if that is better."""
        if not self.batches:
            return model
        solved = single_network(self.recipe)
        solved.set_weights(model.get_weights())
        solve_head(solved, data, self.batches)
        if measure is None:
            return solved
        before, after = measure(model)["psnr_gain"], measure(solved)["psnr_gain"]
        log(f"gain {before:.3f} dB as trained, {after:.3f} with the last layer solved")
        return solved if after > before else model

    def errors_and_spread(self, model, placed, preprocessor):
        """See `ImageTraining`; of the scan that is degraded, within the head."""
        factor = factor_of(self.recipe)
        fine = fill_coarse(placed.array[..., 0], factor)
        coarse = degrade(fine, factor)[..., None]
        found, spread = super_resolve(model, coarse, self.recipe, spread=True)
        inside = head_mask(fine)
        return (found - fine)[inside], spread[inside]


class Gain:
    """Gain in PSNR over cubic B-splines on held-out scans.

    Args:
        volumes: `PreparedCases` of `FineScans`.
        recipe: dict, the recipe's content.
        indices: sequence of int, the held-out cases.
    """

    def __init__(self, volumes, recipe, indices):
        self.volumes = volumes
        self.sources = sources_of(volumes.cases)
        # Once is enough to compare weights; a mirrored prediction costs as much again.
        self.recipe = {**recipe, "postprocessing": []}
        self.indices = list(indices)
        self._interpolated = {}
        self._calls = 0

    def __call__(self, model, writer=None):
        """Returns the mean gain in decibel, over the means of the sources, and these.

        Args:
            model: Keras model.
            writer: `SummaryWriter` or None; draws the first scan of each source.

        Returns:
            dict of str -> float, the score first.
        """
        gains, seen = {}, {}
        self._calls += 1
        for index in self.indices:
            source = self.sources[index]
            fine, found, gain = self._measure(model, index)
            gains.setdefault(source, []).append(gain)
            seen.setdefault(source, (fine, found))
        if writer is not None:
            for source, (fine, found) in seen.items():
                self._draw(writer, source, fine, found)
        means = {f"gain {source}".strip(): np.mean(g) for source, g in gains.items()}
        score = {"psnr_gain": float(np.mean(list(means.values())))}
        return {**score, **{name: float(value) for name, value in means.items()}}

    def _measure(self, model, index):
        factor = self.volumes.preparation.factor
        fine = fill_coarse(self.volumes.get(index)["image"].astype(np.float32), factor)
        coarse = degrade(fine, factor)
        if index not in self._interpolated:
            mask = head_mask(fine)
            cubic = head_psnr(fine, cubic_b_spline(coarse, factor), mask)
            self._interpolated[index] = mask, cubic
        mask, cubic = self._interpolated[index]
        found = super_resolve(model, coarse[..., None], self.recipe)
        return fine, found, head_psnr(fine, found, mask) - cubic

    def _draw(self, writer, source, fine, found):
        middle = fine.shape[2] // 2
        pair = np.concatenate([fine[..., middle], found[..., middle]])
        pair = np.clip(pair / np.percentile(fine, 99.5), 0, 1)
        name = f"{source} true and found".strip()
        picture = np.rint(255 * pair.T[::-1]).astype(np.uint8)
        writer.picture(name, np.ascontiguousarray(picture), self._calls)
