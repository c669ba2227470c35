"""Small heads that differ, and a BIDS tree of three people."""

import json

import medzoo
from tests.conftest import make_head


def make_heads(folder, count):
    """Writes `count` heads; returns their paths."""
    return [
        medzoo.write(make_head(12.0, noise=1.0, seed=i), folder / f"head-{i:03}.nii.gz")
        for i in range(count)
    ]


def make_study(root):
    """Writes a BIDS tree of the people 01, 02 and 03; returns its folder."""
    for person in ("01", "02", "03"):
        folder = root / f"sub-{person}" / "anat"
        folder.mkdir(parents=True)
        head = make_head(12.0, noise=1.0, seed=int(person))
        medzoo.write(head, folder / f"sub-{person}_T1w.nii.gz")
    about = {"Name": "Study", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(about))
    return root
