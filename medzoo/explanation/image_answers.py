"""What an image model added to a scan, and where its code lies among others."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.data.feeds.upsampling import cubic_b_spline
from medzoo.errors import InputError
from medzoo.explanation.latent_space import LATENT_FILE, LatentSpace, latent_svg
from medzoo.files import replace_atomically, write_text_atomically
from medzoo.inference.predict import predict_image
from medzoo.metrics.head_psnr import head_mask
from medzoo.spatial.doubt import warning_record
from medzoo.volume import Volume

LONGEST = 480


@dataclass(frozen=True)
class ImageDifference:
    """What a network made of a scan that cubic interpolation does not.

    Attributes:
        prediction: `Prediction`, whose image has finer voxels than the scan.
        map: Volume float32 on the grid of that image: it, less the cubic B-spline
            interpolation of the scan, in the scan's intensity unit.
        rms: float, root mean square over the head, in that unit.
        relative: float, the same over the 99th percentile of the head's intensities.
        warnings: tuple of str.
    """

    prediction: Any
    map: Volume
    rms: float
    relative: float
    warnings: tuple = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON: all but the map."""
        content = {
            "model": self.prediction.model,
            "compared_with": "cubic B-spline",
            "rms": round(self.rms, 4),
            "relative": round(self.relative, 5),
        }
        return content | warning_record(self.warnings)

    def lines(self) -> list[str]:
        """Returns what a terminal shows."""
        return [
            f"Root mean square difference from cubic interpolation in the head: "
            f"{self.rms:.3g}, {100 * self.relative:.2f} % of its bright end."
        ]

    def write(self, folder: Any, *, scan: Volume | None = None) -> list:
        """Writes map.nii.gz, explanation.json and map.png; see `Explanation.write`."""
        from medzoo.drawing.heat import heat_slices, side_by_side
        from medzoo.explanation.files import JSON, MAP, PICTURE
        from medzoo.io import write

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [write(self.map, folder / MAP), _written(self, folder / JSON)]
        pictures, _ = heat_slices(self.prediction.image, self.map, LONGEST)
        with replace_atomically(folder / PICTURE) as temporary:
            temporary.write_bytes(side_by_side(list(pictures.values())))
        return [*paths, folder / PICTURE]


@dataclass(frozen=True)
class LatentPlace:
    """Where a scan's code lies among those of the training set.

    Attributes:
        prediction: `Prediction` with an embedding.
        space: `LatentSpace`.
        place: `(2,)` float64, of the scan on its axes.
        nearest: tuple of float, ages in years of the people nearest to it there.
        warnings: tuple of str.
    """

    prediction: Any
    space: LatentSpace
    place: np.ndarray
    nearest: tuple
    warnings: tuple = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        content = {
            "model": self.prediction.model,
            "place": [round(float(value), 3) for value in self.place],
            "people": len(self.space.ages),
            "variance": [round(float(share), 3) for share in self.space.variance],
            "ages_of_nearest": list(self.nearest),
        }
        return content | warning_record(self.warnings)

    def lines(self) -> list[str]:
        """Returns what a terminal shows."""
        ages = ", ".join(f"{age:g}" for age in self.nearest)
        across, up = self.place
        return [
            f"The code lies at {across:.2f}, {up:.2f} among {len(self.space.ages)} "
            "people, in standard deviations along the two largest axes.",
            f"The nearest there are {ages} years old.",
        ]

    def write(self, folder: Any, *, scan: Volume | None = None) -> list:
        """Writes latent.svg and explanation.json; see `Explanation.write`."""
        from medzoo.explanation.files import JSON, LATENT_PICTURE

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        picture = latent_svg(self.space, self.place)
        paths = [write_text_atomically(folder / LATENT_PICTURE, picture)]
        return [*paths, _written(self, folder / JSON)]


def explain_image_model(task, folder, image):
    """Shows what there is to show of a model whose results are images.

    Args:
        task: `medzoo.inference.task.Task`.
        folder: pathlib.Path of the model, or None.
        image: as of `medzoo.explain`.

    Returns:
        `LatentPlace` of an autoencoder, `ImageDifference` of a model of finer voxels.

    Raises:
        InputError: for codes without a file of others.
    """
    scan = task.preprocessor.gather(image, align=True)
    placed = task.place(scan)
    prediction = predict_image(scan, lambda _: placed, task)
    if prediction.embedding is not None:
        return _latent_place(prediction, folder)
    return difference_from_cubic(prediction, scan)


def difference_from_cubic(prediction, scan):
    """Returns the `ImageDifference` of a prediction with finer voxels.

    Args:
        prediction: `Prediction`.
        scan: Volume, scalar, that it was made of.
    """
    fine = prediction.image
    factor = [n // m for n, m in zip(fine.shape, scan.shape, strict=True)]
    coarse = np.asarray(scan.array, np.float32).reshape(scan.shape)
    cubic = cubic_b_spline(coarse, factor)
    change = np.asarray(fine.array - cubic, np.float32)
    inside = head_mask(fine.array)
    rms = float(np.sqrt(np.mean(change[inside].astype(np.float64) ** 2)))
    bright = float(np.percentile(fine.array[inside], 99))
    return ImageDifference(
        prediction, fine.with_array(change), rms, rms / bright, prediction.warnings
    )


def _latent_place(prediction, folder):
    if folder is None or not (folder / LATENT_FILE).is_file():
        raise InputError(
            "A code is shown among those of other people. Received: "
            f"{prediction.model}, whose folder has no {LATENT_FILE}. "
            "Write it by docs/build_explanation_files.py."
        )
    space = LatentSpace.read(folder / LATENT_FILE)
    place = space.place(prediction.embedding)
    nearest = space.nearest_ages(place)
    return LatentPlace(prediction, space, place, nearest, prediction.warnings)


def _written(found, path):
    text = json.dumps(found.to_dict(), indent=1, allow_nan=False)
    return write_text_atomically(path, text + "\n")
