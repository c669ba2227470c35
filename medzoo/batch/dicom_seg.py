"""--dicom-seg: the label map of each case as DICOM SEG, beside its image."""

from pathlib import Path

from medzoo.errors import InputError, MedzooError
from medzoo.inference.sides import published_classes
from medzoo.inference.tasks import TASKS
from medzoo.volume import Volume


def check_dicom_seg(recipe, cases):
    """Checks before any work that a SEG can be written.

    Args:
        recipe: dict.
        cases: list of `Case`.

    Raises:
        InputError: if the model does not segment, a case's first channel is no DICOM,
            or the extra dicom is not installed.
    """
    from medzoo.io.dicom import is_dicom
    from medzoo.io.dicom.requirement import require

    require("highdicom", "Writing a DICOM SEG")
    if not TASKS[recipe["task"]].gives_labels:
        raise InputError(
            "Only a segmentation can be written as DICOM SEG. Received: task="
            f"{recipe['task']} of {recipe['name']}. Leave out --dicom-seg."
        )
    for case in cases:
        image = case.images.get(_first_channel(recipe, case))
        if image is None or isinstance(image, Volume) or not is_dicom(image):
            raise InputError(
                "A DICOM SEG refers to a DICOM series. Received: case "
                f"{case.case_id} whose first channel is none. Leave out --dicom-seg."
            )


def with_dicom_seg(record, case, recipe):
    """Writes the DICOM SEG of a segmented case.

    Args:
        record: dict with "output", or "error".
        case: `Case`.
        recipe: dict.

    Returns:
        dict, the record with "dicom_seg", the path of the SEG, or an error.
    """
    if "error" in record:
        return record
    try:
        return {**record, "dicom_seg": str(_write(record, case, recipe))}
    except (MedzooError, ValueError, TypeError, AttributeError, OSError) as error:
        text = " ".join(str(error).split())
        return {"case_id": case.case_id, "error": f"no DICOM SEG: {text}"}


def _write(record, case, recipe):
    from medzoo.io import read
    from medzoo.io.dicom.segmentation import write_segmentation

    image = Path(record["output"])
    stem = image.name.removesuffix(".gz")
    path = image.with_name(f"{Path(stem).stem}.dcm")
    channel = _first_channel(recipe, case)
    return write_segmentation(
        read(image),
        _names(recipe),
        case.images[channel],
        path,
        model=f"{recipe['name']}@{recipe['version']}",
        channel=channel,
    )


def _first_channel(recipe, case):
    """The channel whose grid results have."""
    names = [channel["name"] for channel in recipe["channels"]]
    return next((name for name in names if name in case.images), None)


def _names(recipe):
    names, codes = published_classes(recipe)
    labels = range(len(names)) if codes is None else codes
    found = dict(zip(labels, names, strict=True))
    found.pop(0, None)
    return found
