"""Prediction by name: many cases, each on its own, as records and tables."""

import json
import sys

from medzoo.batch.case_records import sentence, tell
from medzoo.batch.dicom_seg import check_dicom_seg, with_dicom_seg
from medzoo.batch.image_output import ImageOutput
from medzoo.batch.input_cases import cases_of, read_table, table_of, with_person
from medzoo.batch.predictor import CASE_ERRORS, IMAGE_TASKS, CaseError, Predictor
from medzoo.batch.several_models import predictors_of
from medzoo.batch.table_output import TableOutput
from medzoo.progress import Progress
from medzoo.zoo.resolve import resolve

__all__ = [
    "CASE_ERRORS",
    "IMAGE_TASKS",
    "CaseError",
    "Predictor",
    "predict",
    "run",
]

EXIT_ALL, EXIT_SOME, EXIT_NONE = 0, 1, 2


def predict(
    name,
    cases,
    out=None,
    *,
    assume_affine=None,
    uncertainty=None,
    probabilities=False,
    engine="keras",
    precision=None,
    age=None,
    sex=None,
    overwrite=False,
    keep_folders=False,
):
    """Predicts with a model of the zoo on many cases.

    Args:
        name: str or path: a name, `name@version`, or a model folder.
        cases: an image of the recipe's first channel, as a path or Volume; a list of
            these; a dict of channel -> image (one case); a folder of images; the path
            of a table of cases (.csv, .tsv); or list of `Case`.
        out: path or None. Tasks that answer in numbers: a .csv, .tsv or .json to write.
            Tasks that answer in images need one: an image file for one case, or a
            folder, in which each case becomes `<case_id>.nii.gz`, or
            `<case_id>_<model>.nii.gz` where that would replace something else; cases
            that are done there are not done again.
        assume_affine: float or three floats, voxel size in mm for images that do not
            tell where they are; None refuses them.
        uncertainty: see `medzoo.inference.predict.Options`.
        probabilities: bool, write those of a segmentation too.
        engine: str, "keras" or "openvino", see `medzoo.inference.predict.Options`.
        precision: str or None, likewise.
        age: float or None, years, of the person in all cases that do not tell their own
            in a column `age`; see `medzoo.inference.predict.predict_volume`.
        sex: str or None, likewise.
        overwrite: bool, replace what lies in the place of a result, inputs excepted.
        keep_folders: bool, lay images into folders named as those of the inputs.

    Returns:
        list of dict, one a case in the order given: `case_id` with `value`, `unit`,
        `interval`, or `label`, `probabilities`, or `output` and what else the task
        gives, or `error`; and `warnings` if any.

    Raises:
        InputError: for an unknown model or engine, a malformed table, or an `out` that
            does not suit the task or would replace something else.
    """
    from medzoo.inference.predict import Options

    chosen = {"engine": engine, "precision": precision}
    options = Options(uncertainty, probabilities, **chosen)
    predictor = Predictor(resolve(name), assume_affine=assume_affine, options=options)
    given = cases_of(cases, predictor.channels, keep_folders=keep_folders)
    given = with_person(given, age, sex)
    output = predictor.output_for(
        out,
        given,
        inputs=table_of(cases),
        overwrite=overwrite,
        keep_folders=keep_folders,
    )
    images = output if isinstance(output, ImageOutput) else None
    records = list(predictor.records(given, output=images))
    if isinstance(output, TableOutput) and any("error" not in r for r in records):
        output.write(records)
    return records


def run(options, report=None):
    """Predicts for the command line; returns the exit code.

    Args:
        options: `medzoo.cli.predict_command.PredictOptions`.
        report: see `Predictor.records`.
    """
    (predictor,) = predictors_of(options)
    cases, tables = cases_given(options, predictor.channels)
    recipe = predictor.recipe.to_dict()
    check_dicom_seg(recipe, cases, wanted=options.dicom_seg)
    output = predictor.output_for(
        options.output,
        cases,
        inputs=tables,
        overwrite=options.overwrite,
        keep_folders=options.keep_folders,
    )
    images = output if isinstance(output, ImageOutput) else None
    quiet = options.json or isinstance(output, TableOutput)
    told = {"output": images, "report": report}
    records = []
    with Progress(len(cases), "cases") as progress:
        found = predictor.records(cases, progress=progress, **told)
        for record in with_dicom_seg(found, cases, recipe, wanted=options.dicom_seg):
            records.append(record)
            tell(record, progress)
            if not quiet and "error" not in record:
                progress.clear()
                sys.stdout.write(sentence(record) + "\n")
    if options.json:
        sys.stdout.write(json.dumps(records, indent=1, allow_nan=False) + "\n")
    good = sum("error" not in record for record in records)
    if isinstance(output, TableOutput) and good:
        output.write(records)
    return _exit_code(good, len(records))


def _exit_code(good, count):
    if good == count:
        return EXIT_ALL
    return EXIT_SOME if good else EXIT_NONE


def cases_given(options, channels):
    """The cases of the command line, and the tables that they were read from."""
    if options.cases is not None:
        cases, tables = read_table(options.cases, channels), [options.cases]
    else:
        given = options.channels or list(options.images)
        if len(options.images) == 1:
            # As from Python: it may be a folder of images, or a table.
            given = options.images[0]
        cases = cases_of(given, channels, keep_folders=options.keep_folders)
        tables = table_of(given)
    return with_person(cases, options.age, options.sex), tables
