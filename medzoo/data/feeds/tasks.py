"""The tasks, and the module that makes the batches of each.

A module has `usable_cases(cases, recipe, target)` -> recipe and list of `Case`;
`split(cases, recipe)` -> indices to train on and to validate on;
`prepared_cases(cases, recipe, mode, folder)` -> `PreparedCases`; and
`batches(prepared, recipe, batch_size, augment, shuffle, seed)` -> what `fit` takes.
"""

from medzoo.data.feeds import (
    classification,
    reconstruction,
    regression,
    segmentation,
    super_resolution,
)

TASKS = {
    "regression": regression,
    "classification": classification,
    "segmentation": segmentation,
    "reconstruction": reconstruction,
    "super_resolution": super_resolution,
}
