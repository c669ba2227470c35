"""Prints how far the age moves when a scan is resampled before the prediction.

    python resampling.py CASES.csv [NUMBER]

CASES.csv has the columns case_id and t1. NUMBER scans (8 unless told otherwise),
evenly spaced in the table, are each shifted by 0.4 of a voxel along all axes, by cubic
B-splines and linearly, and resampled to voxels 1.17 times as large by a Lanczos window.
The position in the world is kept: each version shows the same head.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

import medzoo

FOLDER = Path(__file__).parent
SHIFT = 0.4
COARSER = 1.17
VERSIONS = {
    "B-spline, 0.4 voxel": (sitk.sitkBSpline, 1.0, SHIFT),
    "linear, 0.4 voxel": (sitk.sitkLinear, 1.0, SHIFT),
    "Lanczos, 1.17 times as large": (sitk.sitkLanczosWindowedSinc, COARSER, 0.0),
}


def main(table, number="8"):
    """Prints a line a scan, and mean and largest change of each version."""
    model = medzoo.load(FOLDER)
    folder = Path(table).resolve().parent
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    changes = {name: [] for name in VERSIONS}
    for index in np.linspace(0, len(rows) - 1, int(number)).round().astype(int):
        scan = medzoo.read(folder / rows[index]["t1"])
        plain = model.predict_volume(scan).value
        for name, version in VERSIONS.items():
            found = model.predict_volume(resampled(scan, *version)).value
            changes[name].append(found - plain)
        last = ", ".join(f"{values[-1]:+.1f}" for values in changes.values())
        say(f"{rows[index]['case_id']}: {plain:.1f} years; {last}")
    for name, values in changes.items():
        size = np.abs(values)
        say(f"{name}: mean {size.mean():.2f}, largest {size.max():.2f} years")


def resampled(volume, method, scale, shift):
    """Returns a Volume of the same head on another grid.

    Args:
        volume: Volume, `(x, y, z)`.
        method: an interpolator of SimpleITK.
        scale: float, new over old voxel size.
        shift: float, old voxels.
    """
    array = np.asarray(volume.array, np.float32).transpose(2, 1, 0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    size = [int(n / scale) for n in image.GetSize()]
    found = sitk.Resample(
        image, size, sitk.Transform(), method, [shift] * 3, [scale] * 3
    )
    to_old = np.diag([scale] * 3 + [1.0])
    to_old[:3, 3] = shift
    array = sitk.GetArrayFromImage(found).transpose(2, 1, 0)
    return volume.with_array(array).with_affine(volume.affine @ to_old)


def say(line):
    """Prints a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
