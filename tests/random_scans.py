"""Scans, label maps and tables changed at random, for `test_random_use.py`."""

import gzip

import nibabel as nib
import numpy as np
from scipy import ndimage

from medzoo.spatial import atlas
from medzoo.volume import Volume

# Ways of writing the age 39 and the sex of a woman or man.
AGES = ("39", "39.0", " 39 ", "039Y", "39,0", "39 years", "n/a", "", "-3", "400", "x")
SEXES = (("F", "M"), ("f", "m"), ("Female", "Male"), ("0", "1"), ("2", "1"), ("w", "x"))


def negative(array, affine, draw):
    array[0, 0, 0] = -draw.uniform(0, 2) * array.max()
    return array, affine


def wild(array, affine, draw):
    place = tuple(int(draw.integers(n)) for n in array.shape)
    array[place] = draw.choice([-1, 1]) * 10.0 ** draw.integers(4, 9)
    return array, affine


def nan(array, affine, draw):
    array[tuple(int(draw.integers(n)) for n in array.shape)] = np.nan
    return array, affine


def larger(array, affine, draw):
    return array, affine @ np.diag([*[draw.uniform(4, 100)] * 3, 1.0])


def splined(array, affine, draw):
    """On a grid moved by a part of a voxel: overshoot, the same place in the world."""
    move = draw.uniform(-0.5, 0.5, 3)
    order = int(draw.choice([0, 1, 3, 5]))
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, :3] @ move
    return ndimage.shift(array, -move, order=order, mode="nearest"), shifted


def turned(array, affine, draw):
    """Axes in another order and direction, the same place in the world."""
    order = [int(axis) for axis in draw.permutation(3)]
    matrix = affine[:, [*order, 3]]
    array = array.transpose(order)
    for axis in range(3):
        if draw.random() < 0.5:
            array = np.flip(array, axis)
            matrix = matrix @ _flip(axis, array.shape[axis])
    return np.ascontiguousarray(array), matrix


def _flip(axis, size):
    matrix = np.eye(4)
    matrix[axis, axis] = -1.0
    matrix[axis, 3] = size - 1
    return matrix


CHANGES = {
    "plain": lambda array, affine, draw: (array, affine),
    "negative": negative,
    "wild": wild,
    "nan": nan,
    "outside nan": lambda a, m, draw: (np.where(a < 5, np.nan, a), m),
    "turned": turned,
    "splined": splined,
    "scaled": lambda a, m, draw: (a * np.float32(10.0 ** draw.uniform(-3, 3)), m),
    "few slices": lambda a, m, draw: (a[:, :, : draw.integers(1, 6)], m),
    "tiny voxels": lambda a, m, draw: (a, m @ np.diag([1e-3, 1e-3, 1e-3, 1.0])),
    "huge voxels": larger,
    "complex": lambda a, m, draw: (a.astype(np.complex64), m),
    "integers": lambda a, m, draw: (np.rint(a).astype(draw.choice(["i2", ">i2"])), m),
    "doubles": lambda a, m, draw: (a.astype(np.float64), m),
    "one volume": lambda a, m, draw: (a[..., None], m),
    "two volumes": lambda a, m, draw: (np.stack([a, a], -1), m),
}
SLOPES = {"slope nan": np.nan, "slope": 2.5, "slope inf": np.inf}
# What a header may do beside; the answer is the same, or the scan refused.
HEADERS = ("usual", "sform only", "micron", "NIfTI-2", *SLOPES)
DAMAGES = ("cut", "empty", "flipped bit", "no NIfTI")


def scan(head, path, draw):
    """Writes a scan changed at random; returns how."""
    kind = str(draw.choice([*CHANGES, *HEADERS, *DAMAGES]))
    change = CHANGES.get(kind, CHANGES["plain"])
    array, affine = change(np.array(head.array, np.float32), head.affine.copy(), draw)
    nib.save(_image(array, affine, kind), path)
    if kind in SLOPES:
        _set_slope(path, SLOPES[kind])
    content = bytearray(path.read_bytes())
    if kind == "cut":
        content = content[: int(draw.integers(len(content)))]
    elif kind == "flipped bit":
        content[int(draw.integers(len(content)))] ^= 1 << int(draw.integers(8))
    elif kind in ("empty", "no NIfTI"):
        content = b"" if kind == "empty" else b"case_id,t1\n" * 99
    path.write_bytes(bytes(content))
    return kind


def _image(array, affine, kind):
    image = (nib.Nifti2Image if kind == "NIfTI-2" else nib.Nifti1Image)(array, affine)
    if kind == "sform only":
        image.set_qform(None, 0)
    if kind == "micron":
        image.header.set_xyzt_units("micron")
    return image


def _set_slope(path, slope):
    """Writes scl_slope, which nibabel sets itself, into a file's header."""
    plain = bytearray(nib.load(path).to_bytes())
    plain[112:116] = np.float32(slope).tobytes()
    if path.suffix == ".gz":
        plain = gzip.compress(bytes(plain), 1)
    path.write_bytes(bytes(plain))


def _identity(labels, draw):
    return labels.array, np.eye(4)


def _mirrored(labels, draw):
    return labels.array, np.diag([-1.0, 1, 1, 1]) @ labels.affine


def _elsewhere(labels, draw):
    affine = labels.affine.copy()
    affine[int(draw.integers(3)), 3] += draw.choice([-1, 1]) * draw.uniform(6, 200)
    return labels.array, affine


def _cropped(labels, draw):
    first = int(draw.integers(2, 8))
    return labels.array[first:, 1:, 2:], labels.affine


def _wider(labels, draw):
    wide = np.pad(labels.array, 3)
    return wide, labels.affine @ _moved(-3)


def _moved(voxels):
    matrix = np.eye(4)
    matrix[:3, 3] = voxels
    return matrix


def _one_hot(labels, draw):
    return np.eye(3, dtype=np.uint8)[labels.array], labels.affine


def _outside_nan(labels, draw):
    return np.where(labels.array > 0, labels.array, np.nan), labels.affine


# Stored scaled, 8 comes back as 7.999996.
ALMOST = np.float32(0.9999995)
LABELS = {
    "plain": lambda labels, draw: (labels.array, labels.affine),
    "rounded": lambda labels, draw: (labels.array * ALMOST, labels.affine),
    "turned": lambda labels, draw: turned(labels.array, labels.affine, draw),
    "wider": _wider,
    "one-hot": _one_hot,
    "outside nan": _outside_nan,
    "identity": _identity,
    "mirrored": _mirrored,
    "elsewhere": _elsewhere,
    "cropped": _cropped,
    "image": lambda labels, draw: (labels.array * 37.3, labels.affine),
    "empty": lambda labels, draw: (labels.array * 0, labels.affine),
    "negative": lambda labels, draw: (labels.array - 1.0, labels.affine),
}


def average_head():
    """Returns the average brain as a scan without skull: the checks find no fault."""
    average = atlas("ixi_t1_4mm")
    array = 100 * average.brain * (average.probability > 0.5)
    return Volume(array.astype(np.float32), average.grid.affine)


def tissue_of(head):
    """Returns the label map of what is dark and bright in a head without skull."""
    labels = (head.array > 20).astype(np.uint8) + (head.array > 80)
    return Volume(labels.astype(np.uint8), head.affine)


def label_map(head, path, draw):
    """Writes a label map of a head changed at random; returns how."""
    kind = str(draw.choice(list(LABELS)))
    array, affine = LABELS[kind](tissue_of(head), draw)
    nib.save(nib.Nifti1Image(np.asarray(array, np.float32), affine), path)
    return kind


def table(path, names, draw, targets=()):
    """Writes a table of cases in a way of writing drawn at random.

    Args:
        path: Path.
        names: list of str, the scans.
        draw: numpy Generator.
        targets: list of (column, cells).
    """
    delimiter = str(draw.choice([",", ";", "\t", ", "]))
    header = [str(draw.choice(["case_id", "Case_ID"])), str(draw.choice(["t1", "T1"]))]
    rows = [[name.partition(".")[0], name] for name in names]
    if draw.random() < 0.2:
        rows[0][0] = str(draw.choice(["../x", "", "=1+1", '"open', "a b"]))
    for column, cells in targets:
        header.append(str(draw.choice([column, column.upper()])))
        rows = [[*row, _cell(c, delimiter)] for row, c in zip(rows, cells, strict=True)]
    lines = [delimiter.join(row) for row in [header, *rows]]
    if draw.random() < 0.1:
        lines.append(delimiter.join([""] * len(header)))
    ending = str(draw.choice(["\n", "\r\n", "\n\n", "\r"]))
    text = ending.join(lines) + ending
    encoding = str(draw.choice(["utf-8", "utf-8-sig"]))
    path.write_bytes(text.encode(encoding))


def _cell(cell, delimiter):
    return f'"{cell}"' if "," in cell and "," in delimiter else cell
