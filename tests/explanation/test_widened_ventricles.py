"""Heads whose ventricles were made wider: the explanation of an age finds them."""

import csv

import numpy as np
import pytest

from medzoo.explanation.explain import explain
from medzoo.explanation.regions import grouped_names
from medzoo.io.image_files import read_labels, read_quietly
from medzoo.zoo.load import load
from tests.explanation.wide_ventricles import LATERAL, widened

NUM_CASES = 10
HIGHEST = 3
LEAST_FOUND = 8
# Ventricles of the young are small: widened they are like those of the old.
OLDEST = 50.0


def young_cases(folder):
    """Ten people below fifty, evenly over the table."""
    with (folder / "ixi_hh" / "cases.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["age"] and r["dlmuse"]]
    rows = [row for row in rows if float(row["age"]) < OLDEST]
    return rows[:: len(rows) // NUM_CASES][:NUM_CASES]


def test_a_widened_ventricle_is_wider_and_the_rest_of_the_head_stays(head_phantom):
    scan = head_phantom(2.0)
    labels = np.zeros(scan.shape, np.uint8)
    middle = tuple(n // 2 for n in scan.shape)
    labels[tuple(slice(n - 4, n + 4) for n in middle)] = LATERAL[0]

    head, moved = widened(scan, scan.with_array(labels), by_mm=4.0)

    before, after = ((a == LATERAL[0]).sum() for a in (labels, moved.array))
    # A cube of 16 mm whose walls move by 4 mm has three and a half times the volume.
    assert 2.5 < after / before < 4
    far = np.zeros(scan.shape, bool)
    far[:12] = far[-12:] = True
    np.testing.assert_allclose(head.array[far], scan.array[far], atol=0.5)


@pytest.mark.extended
def test_the_ventricle_is_among_the_three_highest_in_eight_of_ten_heads(realdata):
    folder, model = realdata / "ixi_hh", load("ixi_age_resnet")
    names = grouped_names()
    order = sorted(set(names.values()))
    ranks = []
    for row in young_cases(realdata):
        scan = read_quietly(folder / row["t1"])
        scan, labels = widened(scan, read_labels(folder / row["dlmuse"]))
        table = np.zeros(256, np.uint8)
        for code, name in names.items():
            table[code] = 1 + order.index(name)
        regions = labels.with_array(table[labels.array])

        found = explain(model, scan, regions=regions, steps=16, check_randomised=False)

        own = f"label {1 + order.index('lateral ventricle')}"
        inside = next(r for r in found.regions if r.name == own)
        assert inside.effect > 0, row["case_id"]
        # Of sixteen steps; with the usual 32 it is smaller.
        assert abs(found.gap) < 0.3
        ranks.append([r.name for r in found.regions].index(own) + 1)
    assert len(ranks) == NUM_CASES
    assert sum(rank <= HIGHEST for rank in ranks) >= LEAST_FOUND, ranks
