"""Made-up scans on disk, for benchmarks that read files: no download, nobody's data."""

import csv

import numpy as np


def write_scans(folder, count, shape=(150, 256, 256), spacing=(1.2, 0.94, 0.94)):
    """Writes heads as .nii.gz, int16, and a table cases.csv; returns its path.

    Each is an average brain, turned and stretched a little, with a scanner's noise: so
    its file shrinks about as much as a real one's.

    Args:
        folder: pathlib.Path.
        count: int.
        shape: three ints.
        spacing: three floats, mm.
    """
    import medzoo
    from medzoo.spatial import Grid, atlas, resample_to

    average = atlas("ixi_t1_4mm")
    rows = []
    for number in range(count):
        generator = np.random.default_rng(number)
        matrix = np.eye(4)
        matrix[:3, :3] += generator.normal(0, 0.03, (3, 3))
        matrix[:3, 3] = generator.normal(0, 4, 3)
        brain = medzoo.Volume(average.brain, matrix @ average.grid.affine)
        grid = Grid.centred(shape, spacing, average.centre)
        signal = 600 * resample_to(brain, grid).array
        noise = generator.normal(0, 15, (2, *shape)).astype(np.float32)
        # As in magnitude images: Rician, so that air is dark but not empty.
        image = np.hypot(signal + noise[0], noise[1]).astype(np.int16)
        name = f"head_{number:03d}"
        medzoo.write(medzoo.Volume(image, grid.affine), folder / f"{name}.nii.gz")
        rows.append({"case_id": name, "t1": f"{name}.nii.gz", "age": 20 + number})
    table = folder / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table
