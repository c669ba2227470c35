"""Fits curves to tables of region volumes of healthy people, by age and sex.

    python fit_centiles.py FEMALE.csv.gz MALE.csv.gz REGIONS.csv LICENSE.txt

The tables have a row for each region and year of age: VarName, Age, and centile_5 to
centile_95 in mm3; REGIONS.csv has code, name, side and centiles_name. What is written,
medzoo/inference/references/muse.json and its licence beside it, holds five polynomials
a region and sex, of the logarithm of the volume against age; the tables themselves are
not needed any more. Takes a second.
"""

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from medzoo.inference.centiles import FOLDER, HALF_RANGE, MIDDLE

QUANTILES = (5, 25, 50, 75, 95)
DEGREE = 5
# Names of the tables that REGIONS.csv spells otherwise.
RENAMED = {
    93: "PosteriorLimbInternalCapsuleIncCerebralPeduncle_R",
    94: "PosteriorLimbInternalCapsuleIncCerebralPeduncle_L",
    95: "CorpusCallosum",
    198: "Superior_parietalLobule_R",
    199: "Superior_parietalLobule_L",
}
# Gyri of each part of a lobe, both sides, by the abbreviations of REGIONS.csv. Sums of
# their medians are within 1.1 % of the tables' for each part (30 to 80 years).
PARTS = {
    "frontal lateral cortex": (
        "FrontalLateral_GM",
        "FRP MFG OpIFG OrIFG TrIFG PrG SFG",
    ),
    "frontal medial cortex": ("FrontalMedial_GM", "MFC MPrG MSFG SCA SMC GRe"),
    "frontal orbital cortex": ("FrontalInferior_GM", "AOrG LOrG MOrG POrG"),
    "insula": ("FrontalInsular_GM", "AIns PIns"),
    "opercular cortex": ("FrontalOpercular_GM", "CO FO PO"),
    "cingulate cortex": ("LimbicCingulate_GM", "ACgG MCgG PCgG"),
    "medial temporal cortex": ("LimbicMedialTemporal_GM", "Ent PHG"),
    "occipital lateral cortex": ("OccipitalLateral_GM", "IOG MOG OCP SOG"),
    "occipital medial cortex": ("OccipitalMedial_GM", "Calc Cun LiG"),
    "parietal lateral cortex": ("ParietalLateral_GM", "AnG PoG SMG SPL"),
    "parietal medial cortex": ("ParietalMedial_GM", "MPoG PCu"),
    "temporal lateral cortex": ("TemporalLateral_GM", "ITG MTG STG TMP"),
    "supratemporal cortex": ("TemporalSupraTemporal_GM", "PP PT TTG"),
}
VENTRICLES = (4, 11, 49, 50, 51, 52)
CEREBELLUM = (38, 39, 40, 41, 71, 72, 73)
WHITE = (*range(81, 96), 40, 41, 61, 62)
GREY = (23, 30, 31, 32, 36, 37, 38, 39, 47, 48, *range(55, 61), 71, 72, 73, 75, 76)


def main(female, male, regions, licence):
    """Writes the curves."""
    tables = {"female": read_table(female), "male": read_table(male)}
    with Path(regions).open(newline="", encoding="utf-8") as file:
        rows = {int(row["code"]): row for row in csv.DictReader(file)}
    wanted = named_regions(rows)
    ages = sorted({age for t in tables.values() for r in t.values() for age in r})
    content = {
        "source": "Region volumes of cognitively normal people of many studies and "
        "scanners (MUSE regions; Section of Biomedical Image Analysis, University of "
        "Pennsylvania), centiles by age and sex; the curves are medzoo's",
        "ages": [max(min(t[k]) for t in tables.values() for k in ("GM", "WM")), 92],
        "quantiles": list(QUANTILES),
        "regions": {
            name: {
                "codes": sorted(codes),
                **{sex: fitted(table[key]) for sex, table in tables.items()},
            }
            for name, (key, codes) in wanted.items()
        },
    }
    check_curves(tables, wanted, content["regions"], ages)
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    (FOLDER / "muse.json").write_text(text.replace('},"', '},\n"') + "\n")
    preface = (
        "All or portions of this licensed product (such portions are the "
        '"Software") have been obtained under license from the Section of Biomedical '
        "Image Analysis, Department of Radiology at the University of Pennsylvania and "
        "are subject to the following terms and conditions:\n\nmuse.json is a modified "
        "version: curves that were fitted to the tables of centiles.\n\n"
    )
    text = preface + Path(licence).read_text(encoding="utf-8")
    (FOLDER / "muse_LICENSE.txt").write_text(text, encoding="utf-8")


def named_regions(rows):
    """Returns dict of region -> its name in the tables and its codes."""
    own = {c: RENAMED.get(c, row["centiles_name"]) for c, row in rows.items()}
    names = json.loads(Path(__file__).with_name("recipe.json").read_text())
    sides = next(s for s in names["postprocessing"] if s["step"] == "sides")
    wanted = {}
    for name, codes in zip(
        names["class_names"], sides["arguments"]["codes"], strict=True
    ):
        for code, side in zip(codes, ("right ", "left "), strict=False):
            if own.get(code) and code not in (0, 1):
                wanted[(side if len(codes) > 1 else "") + name] = (own[code], [code])
    by_gyrus = {}
    for code, row in rows.items():
        words = row["name"].split()
        if code >= 100 and len(words) > 1:
            by_gyrus.setdefault(words[1], []).append(code)
    for name, (key, gyri) in PARTS.items():
        wanted[name] = (key, [c for g in gyri.split() for c in by_gyrus[g]])
    cortex = [c for own in by_gyrus.values() for c in own]
    wanted |= {
        "brain": ("TotalBrain", [*cortex, *GREY, *WHITE, *VENTRICLES, 35]),
        "grey matter": ("GM", [*cortex, *GREY]),
        "white matter": ("WM", list(WHITE)),
        "ventricles": ("Ventricles", list(VENTRICLES)),
        "cerebellum": ("Cerebellum", list(CEREBELLUM)),
    }
    return {n: (key, sorted(set(codes))) for n, (key, codes) in wanted.items()}


def read_table(path):
    """Returns dict of name -> dict of age -> five volumes."""
    found = {}
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values = [float(row[f"centile_{q}"]) for q in QUANTILES]
            found.setdefault(row["VarName"], {})[float(row["Age"])] = values
    return found


def fitted(rows):
    """Returns a list of coefficients for each centile, the constant first."""
    scaled = (np.array(list(rows)) - MIDDLE) / HALF_RANGE
    sizes = np.log(np.maximum(np.array(list(rows.values())), 1.0))
    found = np.polynomial.polynomial.polyfit(scaled, sizes, DEGREE)
    return [[round(float(c), 5) for c in column] for column in found.T]


def check_curves(tables, wanted, regions, ages):
    """Tells how far the curves are from the tables; raises ValueError if they cross."""
    worst = []
    for sex, table in tables.items():
        for name, (key, _) in wanted.items():
            rows = table[key]
            scaled = (np.array(list(rows)) - MIDDLE) / HALF_RANGE
            powers = np.vander(scaled, DEGREE + 1, increasing=True)
            curves = np.exp(powers @ np.array(regions[name][sex]).T)
            given = np.array(list(rows.values()))
            deviation = (given[:, 4] - given[:, 0]) / (ndtri(0.95) - ndtri(0.05))
            off = np.abs(curves - given)[:, 2] / deviation
            worst.append((float(off.max()), sex, name))
            if (np.diff(curves, axis=1) <= 0).any():
                raise ValueError(f"Curves of {name} cross.")
    worst.sort()
    middle = worst[len(worst) // 2][0]
    sys.stdout.write(f"medians: {middle:.3f} standard deviations off at most\n")
    sys.stdout.write(f"worst: {worst[-3:]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
