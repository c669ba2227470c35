"""What one trial of a search does: trains on some cases, is judged on others."""

import numpy as np

from medzoo.data.cases.balance import case_weights
from medzoo.data.cases.splits import named_split, stratified_folds
from medzoo.data.cases.targets import target_value
from medzoo.data.feeds.case_dataset import CaseDataset
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.data.store.prepared_cases import IMAGE
from medzoo.inference.postprocess import output_of_network
from medzoo.training.fit import fit
from medzoo.training.image_training import train_split
from medzoo.training.settings import TrainingSettings
from medzoo.training.tasks import TASKS


class Trials:
    """Base class: cases in three parts, of training, validation and test.

    The test cases are those that a training with this recipe is judged on: the
    recipe's own split, or the first fold. No trial sees them. Of the others one fold
    is for validation.

    Args:
        recipe: dict.
        cases: list of `Case`.
        keeping: dict `{"mode", "folder"}`, where prepared scans are.
        tables: path of the folder with the recipe's tables of codes, or None.
        options: dict, `workers`, `devices` and `log` of a training.
    """

    # Whether a larger score is better.
    maximised = False

    def __init__(self, recipe, cases, keeping, tables, options):
        self.cases, self.keeping, self.tables = cases, keeping, tables
        self.options = options
        self.test = self._test(recipe)
        rest = [i for i in range(len(cases)) if i not in set(self.test)]
        dealt = self._folds(recipe, rest, 1)
        self.validation = [i for i, fold in zip(rest, dealt, strict=True) if fold == 0]
        self.training = [i for i, fold in zip(rest, dealt, strict=True) if fold != 0]

    def _test(self, recipe):
        everything = list(range(len(self.cases)))
        dealt = self._folds(recipe, everything, 0)
        return [i for i, fold in zip(everything, dealt, strict=True) if fold == 0]

    def _folds(self, recipe, indices, shift):
        """The fold of each of some cases; `shift` makes others of the same seed."""
        split = TrainingSettings.from_recipe(recipe).split
        people = [self.cases[i].person for i in indices]
        count = min(split.get("num_folds", 5), max(2, len(set(people))))
        seed = split.get("seed", 42) + shift
        return stratified_folds(people, self._targets(recipe, indices), count, seed)

    def _targets(self, recipe, indices):
        return [0.0 for _ in indices]

    def score(self, recipe, folder, log):
        """Trains with the values of one trial and returns its score, a float.

        Args:
            recipe: dict, with those values.
            folder: path, for checkpoints; an earlier try there is resumed.
            log: callable taking a line.
        """
        raise NotImplementedError


class NumberTrials(Trials):
    """Trials of numbers and classes, judged as their task says."""

    def _targets(self, recipe, indices):
        return [target_value(self.cases[i], recipe) for i in indices]

    def score(self, recipe, folder, log):
        """See `Trials`."""
        targets = self._targets(recipe, range(len(self.cases)))
        workers = self.options.get("workers")
        prepared = prepared_cases(self.cases, recipe, **self.keeping)
        prepared.prepare(workers=workers or 2)
        settings = TrainingSettings.from_recipe(recipe)
        data = CaseDataset(
            prepared,
            targets,
            batch_size=settings.batch_size,
            seed=settings.seed,
            indices=self.training,
            weights=case_weights(self.cases, targets, recipe["training"]),
        )
        network = fit(recipe, data, folder, **{**self.options, "log": log})
        outputs = [
            output_of_network(
                network,
                data.preprocessor.normalize(prepared.get(index)[IMAGE][None]),
                recipe,
            )
            for index in self.validation
        ]
        truth = np.array([targets[index] for index in self.validation])
        return TASKS[recipe["task"]](recipe).error(truth, np.array(outputs))


class ImageTrials(Trials):
    """Trials of tasks that predict images: the first number that they measure."""

    maximised = True

    def _test(self, recipe):
        _, named = named_split(self.cases, recipe)
        return named or super()._test(recipe)

    def score(self, recipe, folder, log):
        """See `Trials`."""
        task = TASKS[recipe["task"]](recipe)
        workers = self.options.get("workers") or 2
        task.prepare(
            self.cases, self.keeping, tables=self.tables, workers=workers, log=log
        )
        split = self.training, self.validation
        options = {**self.options, "log": log}
        # The folder above it holds what a trial starts from.
        network = train_split(task, recipe, split, folder / "model", **options)
        return next(iter(task.measure(self.validation)(network).values()))
