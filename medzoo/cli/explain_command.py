"""`medzoo explain NAME SCAN`: calls medzoo.explain."""

import json
import sys
from argparse import ArgumentParser, Namespace

from medzoo.cli.parser import (
    add_channels,
    add_json,
    add_name,
    add_threads,
    image,
    on_disk,
    table,
)
from medzoo.errors import InputError
from medzoo.zoo.resolve import resolve


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    parser.add_argument(
        "image",
        type=image,
        nargs="?",
        metavar="SCAN",
        help="the scan, as a file, DICOM folder or zip, of the model's first channel",
    )
    add_channels(parser)
    _add_output(parser)
    parser.add_argument(
        "--target",
        metavar="CLASS",
        help="class to explain (default: the one that is predicted)",
    )
    parser.add_argument(
        "--regions",
        metavar="REGIONS",
        help="what is replaced one by one: mni:deformable (default), mni:affine or "
        "mni:rigid, the regions of the standard space; a segmentation model, as "
        "brain_regions_unet; or a label map of the scan",
    )
    _add_baseline(parser)
    add_json(parser)
    add_threads(parser)


def _add_output(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        metavar="FOLDER",
        help="write map.nii.gz (on the scan's grid), regions.csv, explanation.json and "
        "map.png there",
    )
    parser.add_argument(
        "--report",
        type=on_disk,
        metavar="FILE.html",
        help="write a self-contained HTML report with the prediction, the map and the "
        "regions",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an explanation in FOLDER, FILE.html or FILE.npz",
    )


def _add_baseline(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--baseline",
        metavar="BASELINE",
        help="what the scan is compared with: a mean of people (FILE.npz of "
        "--population; default: the model's own), template (the average head), or "
        "another scan, as an earlier one of the same person",
    )
    parser.add_argument(
        "--cases",
        type=table,
        metavar="CASES.csv",
        help="with --population: the people to take the mean of",
    )
    parser.add_argument(
        "--population",
        type=on_disk,
        metavar="FILE.npz",
        help="write the mean of what the model sees of the people of --cases, a "
        "baseline of your own scanner, instead of explaining a scan",
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=32,
        metavar="N",
        help="points on the way from the baseline (default 32)",
    )


def run(values: Namespace) -> int:
    """Explains, or writes a population's mean; gives the exit code."""
    _check(values)
    # An unknown model is refused before anything heavy is imported.
    folder = resolve(values.name)
    _check_places(values)
    from medzoo.zoo.quiet_keras import import_keras

    if values.report is not None or values.population is not None:
        _check_numbers(folder)
    if values.population is not None:
        import_keras(values.threads)
        return _write_population(values)
    import_keras(values.threads)
    from medzoo.explanation.explain import explain

    images = dict(values.channels) or values.image
    found = explain(
        values.name,
        images,
        target=values.target,
        baseline=values.baseline,
        regions=values.regions,
        steps=values.steps,
    )
    for text in found.warnings:
        sys.stderr.write(f"medzoo: warning: {text}\n")
    if values.output is not None:
        found.write(values.output, scan=_shown(images))
    if values.report is not None:
        from medzoo.reporting.report import report

        options = {"explanation": found, "overwrite": values.overwrite}
        report(values.name, images, values.report, **options)
    if values.json:
        sys.stdout.write(json.dumps(found.to_dict(), allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(found.lines()) + "\n")
    return 0


def _check_places(values: Namespace) -> None:
    """Refuses before any work what could not be written after it."""
    mean = values.population
    if mean is not None and mean.exists() and not values.overwrite:
        raise InputError(
            f"A result must not replace another file. Received: {mean} is there. "
            "Give another name, or --overwrite."
        )
    if values.output is not None:
        from medzoo.explanation.files import check_folder

        check_folder(values.output, overwrite=values.overwrite)
    if values.report is not None:
        from medzoo.reporting.claim import check_free
        from medzoo.reporting.sheet import checked_path

        checked_path(values.report)
        options = {"overwrite": values.overwrite, "any_report": True}
        check_free(values.report, "", {}, **options)


def _check_numbers(folder):
    """Refuses a report or a mean of people for a model of images."""
    from medzoo.inference.predict import task_of
    from medzoo.zoo.recipe.schema import read_recipe

    recipe = read_recipe(folder).to_dict()
    if task_of(recipe, None).gives_images:
        raise InputError(
            "--report and --population are for regression or classification models. "
            f"Received: {recipe['name']}, which gives images. Leave them out."
        )


def _shown(images):
    from medzoo.io.image_files import read_quietly

    first = next(iter(images.values())) if isinstance(images, dict) else images
    return read_quietly(first)


def _write_population(values: Namespace) -> int:
    """Writes the mean over the cases of a table; those that fail are left out."""
    from medzoo.batch.input_cases import cases_of
    from medzoo.explanation.explain import task_and_folder
    from medzoo.explanation.population import mean_over
    from medzoo.progress import Progress

    task, _ = task_and_folder(values.name)
    cases = cases_of(values.cases, task.recipe["channels"])
    with Progress(len(cases), "cases") as progress:
        found, failed = mean_over(task, [case.images for case in cases], progress)
    for place, error in failed:
        sys.stderr.write(f"medzoo: error: {cases[place].case_id}: {error}\n")
    found.write(values.population)
    sys.stdout.write(f"{values.population}: the mean of {found.count} people\n")
    return 1 if failed else 0


def _check(values: Namespace) -> None:
    """Refuses a command that neither explains a scan nor writes a mean."""
    given = [
        what
        for what, value in (
            ("SCAN", values.image),
            ("--channel", values.channels),
            ("--population", values.population),
        )
        if value
    ]
    if len(given) != 1:
        raise InputError(
            "explain takes a scan, its --channel, or --population. Received: "
            f"{' and '.join(given) or 'none of them'}. Give exactly one kind."
        )
    if (values.population is None) != (values.cases is None):
        raise InputError(
            "--population is the mean over the people of a table. Received: "
            "--population or --cases alone. Give both, or a scan."
        )
    _check_population(values)


def _check_population(values: Namespace) -> None:
    """Refuses another file than an .npz, and what only explains a scan."""
    if values.population is None:
        return
    unused = ("output", "report", "json", "target", "baseline", "regions")
    if given := [f"--{name}" for name in unused if getattr(values, name)]:
        raise InputError(
            "--population writes the mean of people and explains no scan. Received: "
            f"{' and '.join(given)} with --population. Leave out one of them."
        )
    if values.population.suffix != ".npz":
        raise InputError(
            "A population's mean is an .npz file. Received: "
            f"{values.population}. Let its name end in .npz."
        )
