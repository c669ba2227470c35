"""Measures registration, brain masks, bias correction and denoising on real heads.

    python benchmarks/normalisation.py DATA [--heads N] [--parts affine,mask,...] [-o F]

DATA is a folder with ixi_hh/cases.csv (columns t1 and dlmuse) and muse_to_mrbrains.csv.
The heads are the forty that the standard space was not made of, see
docs/build_standard_space.py. Peers (ANTsPy, deepbet: the extra bench) are measured in
the same run where they are installed. Prints JSON; times are of this machine and run.
"""

import argparse
import json
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

from build_standard_space import held_out, lookup_of, read_rows

from medzoo.io.image_files import read_labels, read_quietly
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.grid import Grid
from medzoo.spatial.n4 import n4
from medzoo.spatial.noise import denoise
from medzoo.spatial.registration import find
from medzoo.spatial.standard_space import standard_space

TISSUES = {"grey": 1, "white": 3, "ventricles": 6}
FLUID = 1


def dice(first, second):
    """Dice of two boolean arrays."""
    return float(2 * (first & second).sum() / max(first.sum() + second.sum(), 1))


def tissue_dice(first, second):
    """Mean Dice of grey matter, white matter and ventricles."""
    return float(np.mean([dice(first == c, second == c) for c in TISSUES.values()]))


def timed(function, *arguments, **options):
    """What a function gives, and its seconds."""
    start = time.perf_counter()
    found = function(*arguments, **options)
    return found, time.perf_counter() - start


def registration(head, regions, tissue, *, ants=False):
    """Affine and deformable Dice in the standard space, there and back, Jacobian."""
    space, row = standard_space(), {}
    mask = regions.with_array((regions.array > 0).astype(np.uint8))
    for kind in ("affine", "deformable"):
        found, seconds = timed(find, head, "mni152", kind)
        drawn = apply(found, mask, labels=True).array > 0
        row[kind] = {
            "brain_dice": dice(drawn, space.mask.array),
            "tissue_dice": tissue_dice(
                apply(found, tissue, labels=True).array, space.tissue.array
            ),
            "seconds": seconds,
            **found.quality,
        }
    there = apply(found, tissue, labels=True, spacing=1.0)
    back = apply(found.inverse(Grid.of(head)), there, labels=True)
    row["deformable"]["there_and_back"] = tissue_dice(back.array, tissue.array)
    row["deformable"]["mask_there_and_back"] = dice(back.array > 0, tissue.array > 0)
    if ants and find_spec("ants"):
        row["ants"] = by_ants(head, tissue, space)
    return row


def by_ants(head, tissue, space):
    """ANTsPy's affine and SyN onto the same average head, with its own defaults."""
    import ants

    def image(volume):
        lps = np.diag([-1, -1, 1, 1]) @ volume.affine
        return ants.from_numpy(
            np.asarray(volume.array, np.float32),
            origin=lps[:3, 3].tolist(),
            spacing=list(volume.spacing),
            direction=lps[:3, :3] / volume.spacing,
        )

    fixed, moving, row = image(space.head), image(head), {}
    for kind, name in (("affine", "Affine"), ("deformable", "SyN")):
        found, seconds = timed(ants.registration, fixed, moving, name)
        drawn = ants.apply_transforms(
            fixed, image(tissue), found["fwdtransforms"], interpolator="genericLabel"
        ).numpy()
        row[kind] = {
            "brain_dice": dice(drawn > 0, space.mask.array),
            "tissue_dice": tissue_dice(np.rint(drawn), space.tissue.array),
            "seconds": seconds,
        }
    return row


def masks(head, regions):
    """Dice of brain masks, by the network, by the atlas and by deepbet."""
    from medzoo.preprocessing.brain_mask import brain_mask

    row, brain = {}, regions.array > 0
    for method in ("network", "atlas"):
        found, seconds = timed(brain_mask, head, method=method)
        row[method] = {"dice": dice(found.array, brain), "seconds": seconds}
        row[method]["dice_without_fluid"] = dice(found.array, regions.array > FLUID)
    return row


def bias(head, tissue):
    """What N4 leaves in white matter of a field of 40 % multiplied onto a head.

    Beside the head that was corrected without it: its own field is its own.
    """
    mask = tissue.with_array(((tissue.array > 0) & (tissue.array != 5)).astype("u1"))
    field = synthetic_field(head, tissue.array > 0, 0.4)
    white = tissue.array == TISSUES["white"]
    own, seconds = timed(n4, head, mask)
    found = n4(head.with_array(head.array * field), mask).array
    rest = found[white] / np.maximum(own.array[white], 1e-3)
    ends = [np.percentile(values, (2, 98)) for values in (field[white], rest)]
    before, after = (float(high / low - 1) for low, high in ends)
    return {"before": before, "after": after, "seconds": seconds}


def synthetic_field(volume, inside, strength):
    """Three slow waves, `strength` from the darkest to the brightest place inside."""
    index = np.stack(np.indices(volume.shape), -1)
    world = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    wave = np.sin(world[..., 0] / 60 + 1) + np.cos(world[..., 1] / 80)
    wave += np.sin(world[..., 2] / 70)
    low, high = wave[inside].min(), wave[inside].max()
    return 1 + strength * ((wave - low) / (high - low) - 0.5)


def noise(head):
    """Gain in PSNR within the head, dB, at 3, 6 and 9 % of Rician noise."""
    array = np.asarray(head.array, np.float32)
    inside = array > array.mean()
    top = np.percentile(array[inside], 99)
    generator, row = np.random.default_rng(0), {}
    for percent in (3, 6, 9):
        parts = generator.normal(0, percent / 100 * top, (2, *array.shape))
        noisy = np.hypot(array + parts[0], parts[1]).astype(np.float32)
        found = denoise(head.with_array(noisy)).array
        errors = [np.mean((a[inside] - array[inside]) ** 2) for a in (noisy, found)]
        row[str(percent)] = float(10 * np.log10(errors[0] / errors[1]))
    return row


def measured(values, head, regions, tissue, *, ants):
    """The parts that were asked for, of one head."""
    parts = {
        "registration": partial(registration, head, regions, tissue, ants=ants),
        "masks": partial(masks, head, regions),
        "bias": partial(bias, head, tissue),
        "noise": partial(noise, head),
    }
    return {name: parts[name]() for name in values.parts.split(",")}


def main():
    """Measures what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--heads", type=int, default=40)
    parser.add_argument("--ants", type=int, default=0, help="heads beside ANTsPy")
    parser.add_argument("--parts", default="registration,masks,bias,noise")
    parser.add_argument("-o", "--output", type=Path)
    values = parser.parse_args()
    folder = values.data / "ixi_hh"
    rows = [row for row in read_rows(folder / "cases.csv") if row["dlmuse"]]
    rows = held_out(rows)
    lookup = lookup_of(values.data / "muse_to_mrbrains.csv")
    results = {}
    for number, row in enumerate(rows[:: max(1, len(rows) // values.heads)]):
        head = read_quietly(folder / row["t1"])
        regions = read_labels(folder / row["dlmuse"])
        tissue = regions.with_array(lookup[regions.array])
        done = measured(values, head, regions, tissue, ants=number < values.ants)
        results[f"head {number + 1}"] = done
        sys.stderr.write(json.dumps({f"head {number + 1}": done}) + "\n")
        if values.output:
            values.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
