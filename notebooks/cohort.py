"""A small study of heads that were never scanned, for the notebooks.

Brains are made from the tissue maps of the MNI152 average that the nilearn package
carries (extra demo): each is bent at random, the grey matter of the old gives way to
fluid, the brains of men are larger. So there is something to learn, and no one's scan.
"""

import csv
from pathlib import Path

import numpy as np
from nilearn import datasets
from scipy.ndimage import gaussian_filter, map_coordinates

import medzoo

CLASSES = ("background", "fluid", "grey matter", "white matter")
# Mean intensity of each class in each contrast.
CONTRASTS = {
    "t1": (0.0, 0.25, 0.62, 0.90),
    "t1_ir": (0.0, 0.10, 0.45, 0.85),
    "flair": (0.0, 0.12, 0.70, 0.55),
}
AGES = (20.0, 80.0)
# Share of its grey matter that a brain loses to fluid in a year.
LOSS_A_YEAR = 0.006
# Men's brains are so much longer than women's, along each axis.
SEX_SCALE = 1.05
FIELDS = ("case_id", *CONTRASTS, "labels", "age", "sex")


def make_cohort(folder, count=24, spacing=4, channels=("t1",), seed=0):
    """Makes scans, label maps and a case table.

    Args:
        folder: path; it is made, and files of an earlier call are replaced.
        count: int, number of people.
        spacing: int, mm, size of the cubic voxels.
        channels: tuple of names in `CONTRASTS`.
        seed: int; the same seed makes the same people.

    Returns:
        Path of cases.csv: case_id, the channels, labels (classes of `CLASSES`), age in
        years and sex (F, M).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    maps, affine = _tissue_maps(spacing)
    rows = []
    for number in range(count):
        generator = np.random.default_rng([seed, number])
        row = {
            "case_id": f"person_{number:03d}",
            "age": round(float(generator.uniform(*AGES)), 1),
            "sex": "FM"[number % 2],
        }
        files = {name: f"{row['case_id']}_{name}.nii.gz" for name in channels}
        labels = _labels(maps, row["age"], row["sex"], spacing, generator)
        for name in channels:
            scan = _scan(labels, CONTRASTS[name], generator)
            medzoo.write(medzoo.Volume(scan, affine), folder / files[name])
        row["labels"] = f"{row['case_id']}_labels.nii.gz"
        medzoo.write(medzoo.Volume(labels, affine), folder / row["labels"])
        rows.append({**row, **files})
    table = folder / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [n for n in FIELDS if n in rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    return table


def _tissue_maps(spacing):
    """`(3, x, y, z)` shares of fluid, grey and white matter, and the affine."""
    grey = datasets.load_mni152_gm_template(resolution=spacing)
    white = datasets.load_mni152_wm_template(resolution=spacing).get_fdata()
    brain = datasets.load_mni152_brain_mask(resolution=spacing).get_fdata()
    affine, grey = grey.affine, grey.get_fdata()
    fluid = np.clip(brain - grey - white, 0, 1)
    return np.stack([fluid, grey, white]).astype(np.float32), affine


def _labels(maps, age, sex, spacing, generator):
    """One person's label map: another shape, another size, grey matter of the age."""
    shape = maps.shape[1:]
    scale = SEX_SCALE ** (0.5 if sex == "F" else -0.5) * generator.normal(1, 0.015)
    centre = (np.array(shape) - 1) / 2
    place = np.indices(shape).astype(np.float32)
    place = (place - centre[:, None, None, None]) * scale + centre[:, None, None, None]
    for axis in range(3):
        # About 2 mm, smooth over 20 mm.
        bend = gaussian_filter(generator.normal(size=shape), 20 / spacing)
        place[axis] += 2 / spacing * bend / bend.std()
    fluid, grey, white = (map_coordinates(m, place, order=1) for m in maps)
    lost = LOSS_A_YEAR * (age - AGES[0]) * grey
    shares = np.stack([fluid + lost, grey - lost, white])
    labels = 1 + shares.argmax(0)
    return np.where(shares.sum(0) > 0.5, labels, 0).astype(np.uint8)


def _scan(labels, means, generator):
    """A scan of a label map: means of a scanner's own, partial volume, bias, noise."""
    means = np.array(means) * np.r_[1, generator.normal(1, 0.04, 3)]
    scan = gaussian_filter(means[labels], 0.6)
    field = gaussian_filter(generator.normal(size=labels.shape), 6)
    scan = scan * np.exp(0.08 * field / field.std())
    scan = scan + generator.normal(0, 0.02, labels.shape)
    return (1000 * np.clip(scan, 0, None)).astype(np.float32)
