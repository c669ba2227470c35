"""An explanation as files: map, table, JSON and picture."""

import csv
import io
import json
from pathlib import Path

from medzoo.errors import InputError
from medzoo.files import replace_atomically, write_text_atomically

MAP, TABLE, JSON, PICTURE = "map.nii.gz", "regions.csv", "explanation.json", "map.png"
LATENT_PICTURE = "latent.svg"
COLUMNS = ("region", "volume_ml", "effect", "told_effect", "attributed")
# Pixels of a view in the picture.
LONGEST = 320


def regions_csv(explanation):
    """Returns the regions of an `Explanation` as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(effect.to_dict() for effect in explanation.regions)
    return text.getvalue()


def check_folder(folder, *, overwrite=False):
    """Makes sure that a folder can take an explanation.

    Args:
        folder: path; it need not exist.
        overwrite: bool, whether an explanation there is replaced.

    Raises:
        InputError: if it is a file, or has files of these names.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(
            f"An explanation is written into a folder. Received: {folder}, a file. "
            "Give another name."
        )
    names = (MAP, TABLE, JSON, PICTURE, LATENT_PICTURE)
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise InputError(
            f"A result must not replace another one in {folder}. Received: "
            f"{', '.join(there)} are there. Give another folder, or --overwrite."
        )


def write_explanation(explanation, folder, scan=None):
    """Writes an `Explanation`, see `Explanation.write`."""
    from medzoo.io import write

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in (MAP, TABLE, JSON)]
    write(explanation.map, paths[0])
    write_text_atomically(paths[1], regions_csv(explanation))
    text = json.dumps(explanation.to_dict(), indent=1, allow_nan=False)
    write_text_atomically(paths[2], text + "\n")
    if scan is not None:
        paths.append(folder / PICTURE)
        with replace_atomically(paths[-1]) as temporary:
            temporary.write_bytes(picture_of(explanation, scan))
    return paths


def picture_of(explanation, scan):
    """Returns three slices of a scan with the map over them, the bytes of a PNG."""
    from medzoo.drawing.heat import heat_slices, side_by_side

    pictures, _ = heat_slices(scan, explanation.map, LONGEST)
    return side_by_side(list(pictures.values()))
