"""Builds medzoo/spatial/atlases/ixi_t1_4mm.npz: the average of the IXI brains.

    python build_atlas.py CASES.csv OUT.npz

Three rounds of affine registration of every brain (cut out by its region map) to the
average so far, from the MNI152 template on; each average is made symmetric. About six
minutes on two cores. Needs nilearn for the template (the extra `demo`).
"""

import csv
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.processing import resample_from_to
from nilearn.datasets import load_mni152_template
from scipy.ndimage import binary_dilation

SPACING = 4.0
SHAPE = (56, 64, 56)
# The middle of the head in MNI152 lies behind and above the origin.
CENTRE = np.array([0.0, -18.0, 18.0])
ROUNDS = 3
SMOOTHING = 1.5  # mm, before sampling at 4 mm
FLUID = 1  # label of the fluid around the brain; tissue lies above it


def main(cases, output):
    """Builds the atlas of a case table and writes it."""
    heads = [load(Path(cases).parent, row) for row in read_rows(cases)]
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    affine[:3, 3] = CENTRE - SPACING * (np.array(SHAPE) - 1) / 2
    template = resample_from_to(load_mni152_template(resolution=4), (SHAPE, affine), 1)
    average = np.asarray(template.dataobj)
    average = average / average.max()
    rim = binary_dilation(average > 0.05, iterations=2)
    transforms = [None] * len(heads)
    for _ in range(ROUNDS):
        average, probability = one_round(heads, transforms, average, rim, affine)
        rim = binary_dilation(probability > 0.5)
    np.savez_compressed(
        output,
        brain=np.rint(200 * np.clip(average, 0, 1.27)).astype(np.uint8),
        probability=np.rint(250 * probability).astype(np.uint8),
        affine=affine,
    )


def one_round(heads, transforms, average, rim, affine):
    """Registers all heads to the average; returns the new one and P(brain)."""
    fixed = to_itk(average, affine)
    mask = sitk.Cast(to_itk(rim, affine) > 0.5, sitk.sitkUInt8)
    sums = [np.zeros(SHAPE), np.zeros(SHAPE)]
    for number, (head, labels, own) in enumerate(heads):
        brain = np.where(labels > 0, head, 0)
        brain = brain / np.percentile(head[labels > FLUID], 95)
        moving = sitk.SmoothingRecursiveGaussian(to_itk(brain, own), SMOOTHING)
        start = transforms[number] or centred(average, affine, labels, own)
        transforms[number] = descend(fixed, moving, mask, start)
        for total, image in zip(sums, (moving, to_itk(labels > 0, own)), strict=True):
            placed = sitk.Resample(image, fixed, transforms[number], sitk.sitkLinear)
            array = sitk.GetArrayFromImage(placed).transpose(2, 1, 0)
            total += np.clip(array, 0, 1.3)
    means = [total / len(heads) for total in sums]
    return [(mean + mean[::-1]) / 2 for mean in means]


def centred(average, affine, labels, own):
    """An affine transform that brings the brains' centres together."""
    here = nib.affines.apply_affine(affine, np.argwhere(average > 0.3).mean(0))
    there = nib.affines.apply_affine(own, np.argwhere(labels > FLUID).mean(0))
    transform = sitk.AffineTransform(3)
    transform.SetCenter(here.tolist())
    transform.SetTranslation((there - here).tolist())
    return transform


def descend(fixed, moving, mask, start):
    """Returns the affine transform with the best correlation inside the mask."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        1.0, 1e-3, 60, relaxationFactor=0.6, gradientMagnitudeTolerance=1e-6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start, inPlace=False)
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([4, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    found = method.Execute(fixed, moving)
    return sitk.AffineTransform(sitk.CompositeTransform(found).GetNthTransform(0))


def to_itk(array, affine):
    """An ITK image in RAS numbers, as on both sides of a registration."""
    data = np.ascontiguousarray(array.astype(np.float32).transpose(2, 1, 0))
    image = sitk.GetImageFromArray(data)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def read_rows(path):
    """Returns the rows of the case table that have a region map."""
    with Path(path).open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["dlmuse"]]


def load(folder, row):
    """Returns a head, its region map and their affine, axes about RAS."""
    head = nib.as_closest_canonical(nib.load(folder / row["t1"]))
    labels = nib.as_closest_canonical(nib.load(folder / row["dlmuse"]))
    return np.asarray(head.dataobj, np.float32), np.asarray(labels.dataobj), head.affine


if __name__ == "__main__":
    main(*sys.argv[1:])
