"""medzoo.predict: models by name on many cases, as records, tables and images."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from medzoo.errors import InputError
from medzoo.zoo.checked_model import check_files
from medzoo.zoo.resolve import resolve_recipe


def predict(
    source: str | Path | Sequence[str | Path],
    cases: Any = None,
    output: str | Path | None = None,
    *,
    bids: str | Path | None = None,
    participant_label: Sequence[str] = (),
    bids_filter: Mapping[str, str] | None = None,
    assume_affine: float | Sequence[float] | None = None,
    uncertainty: str | None = "interval",
    probabilities: bool = False,
    engine: str = "keras",
    precision: str | None = None,
    native: bool = False,
    age: float | None = None,
    sex: str | None = None,
    space: str | None = None,
    aligned: bool = False,
    overwrite: bool = False,
    keep_folders: bool = False,
    dicom_seg: bool = False,
    threads: int | None = None,
    shard: tuple[int, int] | None = None,
    listener: Any = None,
) -> list[dict[str, Any]]:
    """Predicts with models of the zoo on many cases.

    Args:
        source: str or path: a name, `name@version`, a model folder or
            `hf://org/repo`; or a list of several, which read each scan once.
        cases: an image of the recipe's first channel, as a path, Volume or URL in an
            object store (`s3://bucket/key`, extra remote); a list of these; a dict of
            channel -> image (one case); a folder of images; the path or URL of a table
            of cases (.csv, .tsv); or list of `Case`. None with `bids`.
        output: path or None. Tasks with numbers as results: a .csv, .tsv or .json to
            write. Tasks with images as results need one: an image file for one case,
            or a folder, in which each case becomes `<case_id>.nii.gz`, or
            `<case_id>_<model>.nii.gz` where that would replace something else; cases
            that are done there are not done again. Several models: a folder. A table or
            a folder may be a URL.
        bids: path or None, a BIDS tree instead of `cases`; results go to `output`
            (derivatives/medzoo in the tree if None) as a BIDS derivative.
        participant_label: list of str, of a BIDS tree these people alone.
        bids_filter: dict of entity -> value or None, which scan is meant where a
            session has several, as `{"run": "1"}`.
        assume_affine: float or three floats, voxel size in mm for images without an
            affine; None refuses them.
        uncertainty: str or None, see `medzoo.inference.Settings`.
        probabilities: bool, write those of a segmentation too.
        engine: str, "keras" or "openvino", see `medzoo.inference.Settings`.
        precision: str or None, likewise.
        native: bool, likewise.
        age: float or None, years, of the person in all cases without a column `age`;
            see `medzoo.inference.predict_volume`.
        sex: str or None, likewise.
        space: str or None, a standard space to give images in too, as "mni" or
            "mni:deformable": `<case_id>_mni.nii.gz`, and volumes there.
        aligned: bool, the channels lie on each other: look for no motion between them.
        overwrite: bool, replace existing files, except inputs.
        keep_folders: bool, lay images into folders named as those of the inputs.
        dicom_seg: bool, of segmentations of DICOM series write a DICOM SEG too.
        threads: int or None, CPU threads at most.
        shard: (i, n) or None, of the cases only every n-th, beginning with the i-th,
            1 to n, so that n processes share a cohort and an `output` folder; the last
            writes one table of all (see `medzoo.batch.merged_table`).
        listener: `medzoo.batch.listener.Listener` or None, called with each result as
            soon as it is available.

    Returns:
        list of dict, one a case in the order given: `case_id` with `value`, `unit`,
        `interval`, or `label`, `probabilities`, or `output` and what else the task
        gives, or `error`; and `warnings` if any. Of several models `case_id` and
        `models`, a dict of name -> these. Of a shard its own cases alone.

    Raises:
        InputError: for an unknown model or engine, a malformed table, or an `output`
            that does not suit the task or would replace something else.
    """
    _check_place(output)
    _check_threads(threads)
    # An unknown model is refused before anything heavy is imported.
    found = _found(source)
    from medzoo.batch.cohort_plan import shard_bids_plan, shard_plan
    from medzoo.batch.model_run import predictors_of, run_all
    from medzoo.batch.plan import bids_plan, plan_of_one, plan_of_several
    from medzoo.batch.remote_table import local_table
    from medzoo.batch.shard import check_shard
    from medzoo.inference.settings import Settings
    from medzoo.io.remote import is_url

    settings = Settings(
        uncertainty, probabilities, engine, precision, native=native, space=space
    )
    predictors = predictors_of(
        [check_files(*one) for one in found],
        settings,
        assume_affine=assume_affine,
        threads=threads,
        align=not aligned,
    )
    options = {"overwrite": overwrite, "dicom_seg": dicom_seg}
    options["person"] = (age, sex)
    folders = {"keep_folders": keep_folders}
    if shard is not None:
        options["shard"] = check_shard(shard)
    if bids is not None:
        make = bids_plan if shard is None else shard_bids_plan
        tree = {"participants": participant_label, "entities": bids_filter}
        return run_all(make(predictors, bids, output, **tree, **options), listener)
    with local_table(output, cases) as place:
        make = plan_of_one if len(predictors) == 1 else plan_of_several
        if shard is not None or is_url(place):
            make, options = shard_plan, {"shard": None, **options}
        return run_all(make(predictors, cases, place, **options, **folders), listener)


def _check_place(output):
    path = isinstance(output, str | PathLike | None)
    if not path or str(output) == "" or "\0" in str(output):
        raise InputError(
            "`output` must be a path or None. "
            f"Received: output={output!r}. Give a file or a folder."
        )


def _check_threads(threads):
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and (not whole or threads < 1):
        raise InputError(
            "`threads` must be a whole number of at least 1, or None. "
            f"Received: threads={threads!r}."
        )


def _found(source):
    """Folder and recipe of each model."""
    several = isinstance(source, (list, tuple))
    sources = list(source) if several else [source]
    if not sources or len(set(map(str, sources))) < len(sources):
        raise InputError(
            "Each model must be given once. "
            f"Received: source={source!r}. See medzoo.list_models()."
        )
    return [resolve_recipe(one) for one in sources]
