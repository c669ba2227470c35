"""ReconstructionDataset: prepared scans as both input and target."""

import numpy as np

from medzoo.data.cases.splits import named_split
from medzoo.data.cases.training_views import columns_of, read_views
from medzoo.data.feeds import whole_cases
from medzoo.data.feeds.case_dataset import CaseDataset
from medzoo.data.feeds.image_cases import image_cases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError

# What a linear probe predicts from the code, and what errors are grouped by.
AGE, SEX, SUBJECT = "age", "sex", "subject"

usable_cases = image_cases
split = named_split
prepared_cases = whole_cases.prepared_cases


def batches(prepared, recipe, **options):
    """Returns the `ReconstructionDataset` of the recipe's training section."""
    dropout = recipe["training"].get("options", {}).get("channel_dropout", 0.0)
    return ReconstructionDataset(prepared, recipe, channel_dropout=dropout, **options)


class ReconstructionDataset(CaseDataset):
    """Batches `(images, images)` of prepared, augmented and normalised cases.

    Views, augmentation and kept versions are those of the recipe's training section,
    as for every data set of whole volumes (`medzoo.data.cases.training_views.View`).

    Args:
        prepared: `PreparedCases` of `WholeCases`.
        recipe: dict.
        channel_dropout: float in [0, 1), the chance of each optional channel to be
            taken from the input, zeros in its place, but not from the target. It
            trains the network for cases that lack the channel. Defaults
            to 0.
        **kwargs: of `CaseDataset`.
    """

    def __init__(self, prepared, recipe, *, channel_dropout=0.0, **kwargs):
        super().__init__(prepared, np.zeros(len(prepared)), **kwargs)
        self.optional = [
            number
            for number, channel in enumerate(recipe["channels"])
            if not channel.get("required", True)
        ]
        if not 0 <= channel_dropout < 1:
            raise InputError(
                "`channel_dropout` must lie in [0, 1). "
                f"Received: channel_dropout={channel_dropout}."
            )
        self.channel_dropout = channel_dropout if self.augment else 0.0

    def __getitem__(self, number):
        images, _ = super().__getitem__(number)
        if not (self.optional and self.channel_dropout):
            return images, images
        generator = np.random.default_rng([self.seed, 3, self.epoch, number])
        drawn = generator.random((len(images), len(self.optional)))
        inputs = images.copy()
        for row, channel in np.argwhere(drawn < self.channel_dropout):
            inputs[row, ..., self.optional[channel]] = 0
        return inputs, images


def reconstruction_cases(table, recipe):
    """Reads a case table for an autoencoder: no target, but what probes need.

    Args:
        table: path of a cases.csv.
        recipe: dict.

    Returns:
        list of `Case` with at least the required channels; columns "age", "sex" and
        "subject" are kept where the table has them.
    """
    views = columns_of(read_views(recipe.get("training", {})))
    columns = [*views, AGE, SEX, SUBJECT]
    return read_cases(table, recipe["channels"], columns=columns)


def training_cases(cases, recipe):
    """Returns the cases that an autoencoder may learn from.

    Those of the recipe's validation split are left out, and those that lack a channel:
    there would be nothing to compare a reconstruction with.

    Raises:
        InputError: if none is left, or a case of the validation split shares its
            subject with one that would be trained on.
    """
    inside, _ = named_split(cases, recipe)
    count = len(recipe["channels"])
    kept = [cases[i] for i in inside if len(cases[i].images) == count]
    if not kept:
        raise InputError(
            "Training needs cases with all channels that are not in the validation "
            f"split. Received: {len(cases)} cases, none of them. Add cases."
        )
    return kept


def validation_cases(cases, recipe):
    """Returns the cases of the recipe's validation split, in the table's order."""
    _, held_out = named_split(cases, recipe)
    return [cases[i] for i in held_out]
