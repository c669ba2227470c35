"""The work of `medzoo demo`: every model of the zoo on one scan, and a picture."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

from medzoo.errors import InputError, MedzooError, MissingFileError
from medzoo.zoo.registry import list_models

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
# The average of 152 heads, skull removed, as the nilearn package carries it.
TEMPLATE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def run(image, output):
    """Predicts with every model, prints one line a model, and draws the picture.

    Args:
        image: path of the scan, or None for the average brain that nilearn carries.
        output: path of the picture.

    Returns:
        The exit code: 0 every model has a result, 1 some have, 2 none has.

    Raises:
        InputError: A package of the extra `demo` is missing, or `output` is no picture.
        MedzooError: The scan cannot be read.
    """
    output = _checked_output(output)
    image = template_path() if image is None else Path(image)
    names = list_models()
    if not names:
        raise InputError(
            "The demo needs a model in the zoo. Received: models=[]. "
            "Add a folder to zoo_models/."
        )
    # Imports in this order: a scan that cannot be read is refused before keras loads.
    from medzoo.io import read

    volume = read(image)
    sys.stdout.write(f"scan: {image.name}\n")
    results = predict_with_all(names, volume)
    if results:
        from medzoo.cli.demo_picture import draw

        draw(volume, results, output)
        sys.stdout.write(f"picture: {output}\n")
    if len(results) == len(names):
        return 0
    return 1 if results else 2


def predict_with_all(names, volume):
    """Predicts with each model in turn; one that fails does not stop the others.

    Args:
        names: list of str, names of the zoo.
        volume: Volume.

    Returns:
        Dict of name -> `Prediction`, of the models that have a result.
    """
    results = {}
    for name in names:
        sys.stderr.write(f"medzoo: {name} ...\n")
        try:
            results[name], seconds = _timed_prediction(name, volume)
        except MedzooError as error:
            sys.stderr.write(f"medzoo: error: {name}: {error}\n")
            continue
        sys.stdout.write(f"{name}: {results[name]}, {seconds:.1f} s with loading\n")
        sys.stdout.flush()
        for warning in results[name].warnings:
            # What reading the scan found was said then, and once is enough.
            if warning not in volume.warnings:
                sys.stderr.write(f"medzoo: warning: {name}: {warning}\n")
    return results


def template_path():
    """Finds the MNI152 T1 average in the nilearn package; nothing is downloaded.

    Returns:
        pathlib.Path of a .nii.gz file.

    Raises:
        InputError: nilearn is not installed.
        MissingFileError: It no longer carries the file.
    """
    _require("nilearn")
    folder = Path(find_spec("nilearn").origin).parent
    path = folder / TEMPLATE
    if not path.is_file():
        raise MissingFileError(
            f"The demo's scan must be in the nilearn package. Received: path={path}. "
            "Give a scan of your own: medzoo demo scan.nii.gz."
        )
    return path


def _checked_output(path):
    """Refuses before minutes of work what could not be written after them."""
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(
            f"The demo's picture must be one of {', '.join(PICTURE_SUFFIXES)}. "
            f"Received: output={path}. Choose another suffix."
        )
    if not path.parent.is_dir():
        raise MissingFileError(
            f"The folder of the demo's picture must exist. Received: output={path}. "
            "Make it first."
        )
    _require("matplotlib")
    return path


def _require(package):
    if find_spec(package) is None:
        raise InputError(
            f"The demo needs the package {package}. Received: {package}=None. "
            'Install it: pip install "medzoo[demo]".'
        )


def _timed_prediction(name, volume):
    start = time.perf_counter()
    # Here and not above: it costs seconds, which the first model's time shows.
    from medzoo.zoo.load import load
    from medzoo.zoo.quiet_keras import import_keras

    import_keras()
    model = load(name)
    prediction = model.predict_volume(_input_of(model.recipe, volume))
    return prediction, time.perf_counter() - start


def _input_of(recipe, volume):
    """The scan; as coarse as a model that refines voxels expects scans to be."""
    factor = recipe["architecture"]["arguments"].get("upsampling_factor")
    if factor is None:
        return volume
    from medzoo.data.feeds.degradation import degrade_volume
    from medzoo.spatial.factor_grid import three_factors

    return degrade_volume(volume, three_factors(factor))
