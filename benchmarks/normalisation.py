"""Measures registration, brain masks, bias correction and denoising on real heads.

    python benchmarks/normalisation.py DATA [--sets unseen,malf2012,ds002748,seen]
        [--parts affine,deformable,mask,bias,noise,tissue,ants,deepbet] [--heads N]
    python benchmarks/normalisation.py DATA --times

DATA is a folder with ixi_hh, malf2012 and ds002748, each with its cases.csv, and
muse_to_mrbrains.csv. Sets: "unseen" are the forty heads of ixi_hh that the standard
space was not made of (docs/build_standard_space.py), "seen" those that it was made of;
of malf2012 and ds002748 (skull-stripped, other scanners) it was made of none.

Results are added to benchmarks/results/normalisation.json head by head: a second run
does what is missing. `--times` measures seconds alone, into
benchmarks/results/normalisation_times.json; run it on an idle machine. Elsewhere
`cpu_seconds` are those of all cores together, which depend less on what else runs.
ANTsPy and deepbet are those of the extra bench.
"""

import argparse
import json
import os
import resource
import sys
import time
from functools import cache, partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

from build_standard_space import EVERY, held_out, lookup_of, read_rows
from normalisation_peers import ants_registration, deepbet_mask
from report import RESULTS, describe_machine, hold_to_cores, results_folder

from medzoo.io.image_files import read_labels, read_quietly
from medzoo.preprocessing.brain_mask import brain_mask
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.grid import Grid
from medzoo.spatial.n4 import n4
from medzoo.spatial.noise import denoise
from medzoo.spatial.registration import find
from medzoo.spatial.standard_space import standard_space

TISSUES = {"grey": 1, "white": 3, "ventricles": 6}
# Classes of the MRBrainS13 protocol: the fluid around the brain; what both a network
# and intensities alone can tell apart.
FLUID, GREY, WHITE, VENTRICLES = 5, 1, 3, 6
# Strengths of synthetic fields, and shares of Rician noise.
FIELD, STRONG_FIELD, NOISE = 0.4, 0.6, (3, 6, 9)
MUSE_FLUID = 1


class Head:
    """A scan, where its brain is, and its tissue classes where they are known."""

    def __init__(self, name, scan, mask, tissue=None, regions=None):
        self.name, self.scan, self.mask = name, scan, mask
        self.tissue, self.regions = tissue, regions

    @property
    def is_whole(self):
        """Whether it has a skull."""
        return self.regions is not None


def heads(data, kind):
    """Yields functions that read the heads of a set, with their names."""
    folder = data / ("ixi_hh" if kind in ("seen", "unseen") else kind)
    rows = read_rows(folder / "cases.csv")
    lookup = lookup_of(data / "muse_to_mrbrains.csv")
    if kind in ("seen", "unseen"):
        rows = [row for row in rows if row["dlmuse"]]
        unseen = held_out(rows)
        others = [row for row in rows if row not in unseen][::EVERY]
        rows = unseen if kind == "unseen" else others
    for row in rows:
        yield f"{kind} {row['case_id']}", partial(read_head, folder, row, lookup)


def read_head(folder, row, lookup):
    """Reads one; of a stripped scan the brain is what is not 0."""
    scan, name = read_quietly(folder / row["t1"]), row["case_id"]
    if "dlmuse" in row:
        regions = read_labels(folder / row["dlmuse"])
        tissue = regions.with_array(lookup[regions.array])
        return Head(name, scan, as_mask(regions), tissue, regions)
    tissue = None
    if row.get("regions"):
        regions = read_labels(folder / row["regions"])
        tissue = regions.with_array(lookup[np.minimum(regions.array, 255)])
    return Head(name, scan, as_mask(scan), tissue)


def as_mask(volume):
    """1 where a volume is above 0."""
    return volume.with_array((volume.array > 0).astype(np.uint8))


def dice(first, second):
    """Dice of two boolean arrays."""
    return float(2 * (first & second).sum() / max(first.sum() + second.sum(), 1))


def tissue_dice(first, second):
    """Mean Dice of grey matter, white matter and ventricles."""
    return float(np.mean([dice(first == c, second == c) for c in TISSUES.values()]))


def timed(function, *arguments, **options):
    """What a function gives, and the seconds of all cores that it took."""
    start = time.process_time()
    found = function(*arguments, **options)
    return found, {"cpu_seconds": time.process_time() - start}


def registered(head, kind):
    """Dice in the standard space; of a deformation the way there and back too."""
    space = standard_space()
    found, row = timed(find, head.scan, "mni152", kind)
    row |= found.quality
    row["warnings"] = len(found.warnings)
    drawn = apply(found, head.mask, labels=True).array > 0
    row["brain_dice"] = dice(drawn, space.mask.array)
    if head.tissue is None:
        return row
    drawn = apply(found, head.tissue, labels=True).array
    row["tissue_dice"] = tissue_dice(drawn, space.tissue.array)
    if kind == "deformable":
        there = apply(found, head.tissue, labels=True, spacing=1.0)
        back = apply(found.inverse(Grid.of(head.scan)), there, labels=True)
        row["there_and_back"] = tissue_dice(back.array, head.tissue.array)
    return row


def by_ants(head):
    """ANTsPy's affine and SyN onto the same average head, with its own defaults.

    A skull-stripped scan goes onto the stripped average, as it advises.
    """
    space, row = standard_space(), {}
    fixed = space.head if head.is_whole else space.brain
    for kind, name in (("affine", "Affine"), ("deformable", "SyN")):
        drawn, told = timed(ants_registration, fixed, head.scan, name)
        told["brain_dice"] = dice(drawn(head.mask) > 0, space.mask.array)
        told["tissue_dice"] = tissue_dice(drawn(head.tissue), space.tissue.array)
        row[kind] = told
    return row


def masked(head):
    """Dice of the network's brain mask, with and without the fluid in the sulci."""
    found, row = timed(brain_mask, head.scan)
    return row | against(head, found.array)


def by_deepbet(head):
    """The same of deepbet, from the array in memory."""
    found, row = timed(deepbet_mask, head.scan)
    return row | against(head, found)


def against(head, found):
    """Dice with the regions, and the memory that this process has had at most."""
    regions = head.regions.array
    return {
        "dice": dice(found > 0, regions > 0),
        "dice_without_fluid": dice(found > 0, regions > MUSE_FLUID),
        "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def biased(head):
    """What N4 leaves in white matter of fields that were multiplied onto a head.

    Beside the head that was corrected without the field: its own field is its own.
    Tissue by intensity alone, which a field spoils most: see `classes`.
    """
    brain = head.mask.with_array(head.mask.array & (head.tissue.array != FLUID))
    white = head.tissue.array == WHITE
    own, row = timed(n4, head.scan, brain)
    row["tissue_dice"] = by_intensity(head, head.scan.array)
    row["tissue_dice_n4"] = by_intensity(head, own.array)
    for strength in (FIELD, STRONG_FIELD):
        field = synthetic_field(head.scan, head.mask.array > 0, strength)
        bright = head.scan.with_array(np.float32(head.scan.array * field))
        found = n4(bright, brain).array
        rest = found[white] / np.maximum(own.array[white], 1e-3)
        row[f"field_{round(100 * strength)}"] = {
            "before": spread(field[white]),
            "after": spread(rest),
            "tissue_dice_without": by_intensity(head, bright.array),
            "tissue_dice_with": by_intensity(head, found),
        }
    return row


def spread(values):
    """98th over 2nd percentile, less 1."""
    low, high = np.percentile(values, (2, 98))
    return float(high / low - 1)


def synthetic_field(volume, inside, strength):
    """Three slow waves, `strength` from the darkest to the brightest place inside."""
    index = np.stack(np.indices(volume.shape), -1)
    world = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    wave = np.sin(world[..., 0] / 60 + 1) + np.cos(world[..., 1] / 80)
    wave += np.sin(world[..., 2] / 70)
    low, high = wave[inside].min(), wave[inside].max()
    return 1 + strength * ((wave - low) / (high - low) - 0.5)


def by_intensity(head, array):
    """Mean Dice of fluid, grey and white matter, told apart by three-means alone.

    Within what is labelled as one of them: no network that has learned to look
    through fields and noise, no neighbourhood.
    """
    tissue = head.tissue.array
    inside = np.isin(tissue, (GREY, WHITE, FLUID, VENTRICLES))
    truth = np.select([tissue[inside] == WHITE, tissue[inside] == GREY], [2, 1], 0)
    values = np.asarray(array, np.float64)[inside]
    means = np.percentile(values, (5, 50, 90))
    for _ in range(15):
        found = np.abs(values[:, None] - means).argmin(1)
        means = np.array([values[found == c].mean() for c in range(3)])
    return float(np.mean([dice(found == c, truth == c) for c in range(3)]))


def noisy(head, percent):
    """A head with Rician noise, of the brightness of its bright tissue."""
    array = np.asarray(head.scan.array, np.float32)
    top = np.percentile(array[array > array.mean()], 99)
    generator = np.random.default_rng(percent)
    parts = generator.normal(0, percent / 100 * top, (2, *array.shape))
    return head.scan.with_array(np.hypot(array + parts[0], parts[1]).astype("f4"))


def denoised(head):
    """Gain in PSNR within the head, dB, and tissue Dice by intensity, for each noise.

    "0" is the scan as it came, where there is no PSNR to gain.
    """
    array = np.asarray(head.scan.array, np.float32)
    inside = array > array.mean()
    row = {}
    for percent in (0, *NOISE):
        scan = noisy(head, percent) if percent else head.scan
        found = denoise(scan).array
        pair = [np.asarray(a, np.float32) for a in (scan.array, found)]
        told = dict(zip(("before", "after"), (by_intensity(head, a) for a in pair),
                        strict=True))  # fmt: skip
        row[str(percent)] = {"tissue_dice": told}
        if percent:
            errors = [np.mean((a[inside] - array[inside]) ** 2) for a in pair]
            row[str(percent)]["psnr_gain_db"] = float(10 * np.log10(np.divide(*errors)))
    return row


def segmented(head):
    """Tissue Dice of the tissue network: as it came, with a field, with noise."""
    field = synthetic_field(head.scan, head.mask.array > 0, STRONG_FIELD)
    bright = head.scan.with_array(np.float32(head.scan.array * field))
    row = {
        "as it came": by_network(head, head.scan),
        "denoised": by_network(head, denoise(head.scan)),
        "field_60": by_network(head, bright),
        "field_60, n4": by_network(head, n4(bright, brain_mask(bright))),
    }
    for percent in NOISE:
        scan = noisy(head, percent)
        row[f"noise_{percent}"] = by_network(head, scan)
        row[f"noise_{percent}, denoised"] = by_network(head, denoise(scan))
    return row


def by_network(head, scan):
    """Mean Dice of grey matter, white matter and ventricles of the tissue model."""
    found = tissue_model().predict_volume(scan, uncertainty=None)
    return tissue_dice(found.labels.array, head.tissue.array)


@cache
def tissue_model():
    """The model of the zoo."""
    import medzoo

    return medzoo.load("mrbrains_tissue_unet")


def seconds(data, count):
    """Median seconds of each function, each process warm, by the wall clock."""
    taken = {}
    for _, read in list(heads(data, "unseen"))[:: 40 // count][:count]:
        head = read()
        work = {
            "affine": partial(find, head.scan, "mni152", "affine"),
            "deformable": partial(find, head.scan, "mni152", "deformable"),
            "n4": partial(n4, head.scan, head.mask),
            "denoise": partial(denoise, head.scan),
            "brain_mask": partial(brain_mask, head.scan),
        }
        for name, run in work.items():
            start = time.perf_counter()
            run()
            taken.setdefault(name, []).append(round(time.perf_counter() - start, 2))
    return {k: {"median": float(np.median(v)), "each": v} for k, v in taken.items()}


# Part -> what measures it, and which heads it can be measured on.
PARTS = {
    "affine": (partial(registered, kind="affine"), lambda head: True),
    "deformable": (partial(registered, kind="deformable"), lambda head: True),
    "mask": (masked, lambda head: head.is_whole),
    "bias": (biased, lambda head: head.is_whole),
    "noise": (denoised, lambda head: head.is_whole),
    "tissue": (segmented, lambda head: head.is_whole),
    "ants": (by_ants, lambda head: head.tissue is not None),
    "deepbet": (by_deepbet, lambda head: head.is_whole),
}


def parse():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="unseen,malf2012,ds002748")
    parser.add_argument("--parts", default="affine,deformable,mask,bias,noise")
    parser.add_argument("--heads", type=int, help="of each set, evenly; default: all")
    parser.add_argument("--times", action="store_true", help="seconds alone")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args()


def main():
    """Measures what was asked for."""
    values = parse()
    hold_to_cores(values.cores)
    if values.times:
        output = values.output or results_folder() / "normalisation_times.json"
        found = seconds(values.data, values.heads or 5)
        found = {"machine": describe_machine(values.cores), **found}
        output.write_text(json.dumps(found, indent=1) + "\n")
        return
    output = values.output or RESULTS / "normalisation.json"
    for kind in values.sets.split(","):
        wanted = list(heads(values.data, kind))
        wanted = wanted[:: max(1, len(wanted) // (values.heads or len(wanted)))]
        for name, read in wanted[: values.heads]:
            measure(name, read, values, output)


def measure(name, read, values, output):
    """Adds the parts that a head lacks to the results."""
    head = None
    for part in values.parts.split(","):
        results = json.loads(output.read_text()) if output.exists() else {}
        run, fits = PARTS[part]
        if part in results.get("heads", {}).get(name, {}):
            continue
        head = head or read()
        if not fits(head):
            continue
        found = {"load": os.getloadavg()[0], **run(head)}
        results = json.loads(output.read_text()) if output.exists() else {}
        results.setdefault("machine", describe_machine(values.cores))
        results.setdefault("heads", {}).setdefault(name, {})[part] = rounded(found)
        output.write_text(json.dumps(results, indent=1) + "\n")
        sys.stderr.write(f"{name} {part} {json.dumps(rounded(found))}\n")


def rounded(found):
    """Four decimals are enough."""
    if isinstance(found, dict):
        return {key: rounded(value) for key, value in found.items()}
    return round(found, 4)


if __name__ == "__main__":
    main()
