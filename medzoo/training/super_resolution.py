"""Training of a super-resolution network: patches in, whole held-out scans to judge."""

from pathlib import Path

import keras
import numpy as np

from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.fine_scans import SOURCE, sources_of
from medzoo.data.feeds.super_resolution import SuperResolutionDataset, prepared_cases
from medzoo.data.feeds.upsampling import cubic_b_spline, fill_coarse
from medzoo.datasets.read_cases import read_cases
from medzoo.inference.super_resolve import super_resolve
from medzoo.metrics.head_psnr import head_mask, head_psnr
from medzoo.training.fit import fit, single_network
from medzoo.training.least_squares_head import solve_head
from medzoo.training.settings import TrainingSettings, for_fine_tuning
from medzoo.training.weights_file import write_weights
from medzoo.volume import Volume

START_FILE = "start.weights.h5"


def train_super_resolution(
    recipe, cases, folder, *, keeping=None, start=None, workers=None, log=None
):
    """Trains on the cases that are not in the recipe's validation split.

    With `solved_batches` in the recipe's training options the last layer is solved for
    on so many batches, before training and once more after it.

    Args:
        recipe: dict, the recipe's content.
        cases: path of a cases.csv, or list of `Case`; the column `source` names the
            kind of scan.
        folder: path, for checkpoints; an earlier run there goes on.
        keeping: dict `{"mode", "folder"}`, where prepared scans are; None for memory.
        start: path of weights to start from, with the recipe's `fine_tuning_rate`, or
            None.
        workers: int or None, threads that make batches.
        log: callable taking a line, or None.

    Returns:
        float32 Keras model: the weights with the best gain on the validation split, or
        the last ones where the table has none of its cases.

    Raises:
        RecipeError: if the recipe does not describe patches.
        Terminated: after SIGTERM, when the state is saved.
    """
    table = cases
    if not isinstance(cases, list):
        table = read_cases(cases, recipe["channels"], columns=[SOURCE, "subject"])
    if start is not None:
        recipe = for_fine_tuning(recipe)
    settings = TrainingSettings.from_recipe(recipe)
    volumes = prepared_cases(table, recipe, **(keeping or {}))
    inside, held_out = named_split(table, recipe)
    data = SuperResolutionDataset(volumes, recipe, indices=inside, seed=settings.seed)
    measure = Gain(volumes, recipe, held_out) if held_out else None
    say = log or (lambda line: None)
    say(f"{len(inside)} scans to train on, {len(held_out)} for validation")
    batches = settings.options.get("solved_batches", 0)
    if batches and start is None:
        start = _write_start(recipe, data, settings, batches, Path(folder), say)
    more = {"measure": measure, "start": start, "workers": workers}
    model = fit(recipe, data, folder, log=log, **more)
    if batches:
        model = _solved(model, recipe, data, batches, measure, say)
    return model


def _write_start(recipe, data, settings, batches, folder, say):
    """Leaves fresh weights whose last layer is solved for; returns their path."""
    path = folder / START_FILE
    if path.is_file():
        return path
    say(f"solving for the last layer on {batches} batches")
    keras.utils.set_random_seed(settings.seed)
    model = single_network(recipe)
    solve_head(model, data, batches)
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(model, path, dtype="float32")
    return path


def _solved(model, recipe, data, batches, measure, say):
    """The model with its last layer solved for, if that is better."""
    solved = single_network(recipe)
    solved.set_weights(model.get_weights())
    solve_head(solved, data, batches)
    if measure is None:
        return solved
    before, after = measure(model)["psnr_gain"], measure(solved)["psnr_gain"]
    say(f"gain {before:.3f} dB as trained, {after:.3f} with the last layer solved for")
    return solved if after > before else model


class Gain:
    """Measures how much closer a network comes to held-out scans than cubic B-splines.

    Args:
        volumes: `PreparedCases` of `FineScans`.
        recipe: dict, the recipe's content.
        indices: sequence of int, the held-out cases.
    """

    def __init__(self, volumes, recipe, indices):
        self.volumes = volumes
        self.sources = sources_of(volumes.cases)
        # Once is enough to compare weights; a mirrored answer costs as much again.
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
        # Scans stand in the recipe's orientation already.
        found = super_resolve(model, Volume(coarse, np.eye(4)), self.recipe).array
        return fine, found, head_psnr(fine, found, mask) - cubic

    def _draw(self, writer, source, fine, found):
        middle = fine.shape[2] // 2
        pair = np.concatenate([fine[..., middle], found[..., middle]])
        pair = np.clip(pair / np.percentile(fine, 99.5), 0, 1)
        name = f"{source} true and found".strip()
        picture = np.rint(255 * pair.T[::-1]).astype(np.uint8)
        writer.picture(name, np.ascontiguousarray(picture), self._calls)
