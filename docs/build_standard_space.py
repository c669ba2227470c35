"""Builds medzoo/spatial/standard/ixi_mni_2mm.npz: the average of IXI heads in MNI.

    python docs/build_standard_space.py CASES.csv MUSE_TO_MRBRAINS.csv OUT.npz

Each brain (cut out by its region map) is brought onto the MNI152 template (ICBM 2009a,
from nilearn, the extra `demo`) by an affine map and diffeomorphic demons, and the whole
head along with it. The result is in MNI152's coordinates and shape: the average head,
the share of heads that have brain at each voxel, and the tissue class and the region
that most of them have there.

Forty heads take no part: they are what registration is measured on (`held_out`). Of
the others every second is enough: an average of 53. Ten minutes on two cores.
"""

import csv
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from nilearn.datasets import load_mni152_brain_mask, load_mni152_template
from scipy.ndimage import binary_dilation

from medzoo.io.image_files import read_labels, read_quietly
from medzoo.spatial import Grid, correct_bias_field, resample_to
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.demons import demons
from medzoo.spatial.descent import descend
from medzoo.spatial.register import register
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

GRID = Grid(
    (91, 109, 91),
    np.array([[2.0, 0, 0, -90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]]),
)
WHITE_MATTER = 3  # class of the MRBrainS13 protocol
NUM_CLASSES = 9
EVERY = 2
LEVELS = ((4, 40), (2, 30), (1, 10))
# Of white matter; brighter is fat.
BRIGHTEST = 1.6
# The fluid around the brain, code 1 of MUSE, is no brain.
FLUID = 1
# The validation split of mrbrains_tissue_unet, and every fifth of the others.
HELD_OUT_VALIDATION = (33, 79, 105, 146, 163, 173, 242, 278, 453, 481, 522, 538, 566,
                       577, 598)  # fmt: skip
HELD_OUT_OTHERS = 25


def main(cases, classes, output):
    """Builds the standard space of a case table and writes it."""
    folder = Path(cases).parent
    rows = [row for row in read_rows(cases) if row["dlmuse"]]
    left_out = held_out(rows)
    used = [row for row in rows if row not in left_out][::EVERY]
    head, probability, tissue, regions = average(folder, used, classes)
    np.savez_compressed(
        output,
        head=np.rint(150 * head).astype(np.uint8),
        probability=np.rint(250 * probability).astype(np.uint8),
        tissue=tissue.astype(np.uint8),
        regions=regions.astype(np.uint8),
        affine=GRID.affine,
    )


def held_out(rows):
    """Returns the rows that take no part, in the order of the table."""
    validation = [r for r in rows if number_of(r) in HELD_OUT_VALIDATION]
    others = [r for r in rows if r not in validation]
    step = len(others) / HELD_OUT_OTHERS
    chosen = [others[int(step * i)] for i in range(HELD_OUT_OTHERS)]
    return [r for r in rows if r in validation or r in chosen]


def number_of(row):
    """The number in a name of the IXI set, IXI033-HH-1259 -> 33."""
    return int(row["case_id"][3:6])


def average(folder, rows, classes):
    """Brings all heads onto the template; averages of the head and of labels there."""
    lookup = lookup_of(classes)
    head = np.zeros(GRID.shape)
    votes = np.zeros((*GRID.shape, len(lookup)), np.uint8)
    place = partial(placed, folder=folder, lookup=lookup)
    with ProcessPoolExecutor(2) as pool:
        for number, (drawn, codes) in enumerate(pool.map(place, rows), start=1):
            head += drawn
            index = codes[..., None].astype(np.int64)
            own = np.take_along_axis(votes, index, -1) + 1
            np.put_along_axis(votes, index, own, -1)
            sys.stderr.write(f"{number} of {len(rows)}\n")
    brain = votes.sum(-1) - votes[..., 0] - votes[..., FLUID]
    tissue = [votes[..., lookup == c].sum(-1) for c in range(NUM_CLASSES)]
    regions = votes.argmax(-1)
    return head / len(rows), brain / len(rows), np.argmax(tissue, 0), regions


def placed(row, folder, lookup):
    """Registers one head by its brain alone; it and its regions in the template."""
    image, regions = load(folder, row)
    target, mask = mni152()
    rim = binary_dilation(mask, iterations=2)
    fixed = Volume((target * mask).astype(np.float32), GRID.affine)
    brain = image.with_array(image.array * (regions.array > 0))
    moving = resample_to(brain, Grid.of(brain).around(2.0))
    start = register(image, "ixi_t1_4mm").to_image
    matrix, _ = descend(fixed, moving, start, mask=rim, shrink=(2,))
    drawn = apply(Transform([matrix]), moving, grid=GRID).array
    drawn *= fixed.array[rim].mean() / drawn[rim].mean()
    field = demons(fixed.array, drawn, GRID.affine, levels=LEVELS)
    found = Transform([field, matrix])
    drawn = apply(found, image, grid=GRID).array
    codes = apply(found, regions, labels=True, grid=GRID).array
    level = np.median(drawn[lookup[codes] == WHITE_MATTER])
    return np.clip(drawn / level, 0, BRIGHTEST), codes


@cache
def mni152():
    """The MNI152 template on the grid, white matter about 1, and its brain mask."""
    images = load_mni152_template(resolution=2), load_mni152_brain_mask(resolution=2)
    template, mask = (
        resample_to(Volume(np.asarray(i.dataobj, np.float32), i.affine), GRID).array
        for i in images
    )
    mask = mask > 0.5
    return template / np.percentile(template[mask], 90), mask


def load(folder, row):
    """Returns a head without bias field, and its region map."""
    regions = read_labels(folder / row["dlmuse"])
    head = read_quietly(folder / row["t1"])
    return correct_bias_field(head), regions.with_array(regions.array.astype(np.uint8))


def lookup_of(path):
    """Returns the class of each code, `(256,)`."""
    lookup = np.zeros(256, np.uint8)
    with Path(path).open(newline="") as file:
        for row in csv.DictReader(file):
            if int(row["muse_code"]) < len(lookup):
                lookup[int(row["muse_code"])] = int(row["mrbrains_class"])
    return lookup


def read_rows(path):
    """Returns the rows of a table."""
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main(*sys.argv[1:])
