"""A usual training pipeline in medzoo, TorchIO and MONAI, for feed.py."""

import time

PATCH, PATCHES_PER_VOLUME, SPACING = 96, 8, 1.5
STEPS = [
    {"step": "orient", "arguments": {"orientation": "RAS"}},
    {"step": "resample", "arguments": {"spacing": SPACING}},
]


def drain(batches, count):
    """Seconds to take `count` arrays out of batches, and their bytes."""
    start, taken, size = time.perf_counter(), 0, 0
    for batch in batches:
        taken += len(batch)
        size += batch.nbytes
        if taken >= count:
            break
    return time.perf_counter() - start, taken, size


def endless(feed):
    """Batches of a feed, epoch after epoch."""
    while True:
        for (images,) in feed.batches():
            yield images


def pipeline_of(mode):
    """Returns a contender: the usual pipeline as a `PatchFeed` in a mode."""

    def contender(arguments, folder):
        import medzoo
        from medzoo import layers

        feed = medzoo.PatchFeed(
            arguments.cases,
            mode=mode,
            folder=folder if mode == "cached" else None,
            spatial=STEPS,
            layers=[layers.ZScore()],
            patch_size=PATCH,
            patches_per_volume=PATCHES_PER_VOLUME,
            augmentation=[
                layers.RandomFlip3D((0, 1, 2)),
                layers.RandomAffine3D(rotation=10, scale=0.1),
                layers.RandomNoise(0.25),
            ],
            batch_size=2,
            workers=arguments.cores,
        )
        start = time.perf_counter()
        feed.build()
        built = time.perf_counter() - start
        return pipeline_result(endless(feed), arguments, built)

    return contender


def pipeline_result(batches, arguments, built):
    """First patches (compiling, filling queues), then the rate over all others."""
    first, _, _ = drain(batches, 8 * PATCHES_PER_VOLUME)
    seconds, taken, _ = drain(batches, arguments.patches)
    return {
        "build_s": round(built, 2),
        "first_s": round(first, 2),
        "patches": taken,
        "patches_per_s": round(taken / seconds, 2),
    }


def pipeline_of_torchio(arguments, folder):
    """TorchIO's Queue: volumes augmented whole, then patches of them."""
    import csv

    import torch
    import torchio as tio

    with arguments.cases.open(newline="", encoding="utf-8") as file:
        paths = [arguments.cases.parent / row["t1"] for row in csv.DictReader(file)]
    steps = tio.Compose(
        [
            tio.ToCanonical(),
            tio.Resample(SPACING),
            tio.ZNormalization(),
            tio.RandomFlip(axes=(0, 1, 2)),
            tio.RandomAffine(scales=0.1, degrees=10),
            tio.RandomNoise(std=(0, 0.25)),
        ]
    )
    subjects = tio.SubjectsDataset(
        [tio.Subject(t1=tio.ScalarImage(path)) for path in paths], transform=steps
    )
    queue = tio.Queue(
        subjects,
        max_length=8 * PATCHES_PER_VOLUME,
        samples_per_volume=PATCHES_PER_VOLUME,
        sampler=tio.UniformSampler(PATCH),
        num_workers=arguments.cores,
    )
    loader = tio.SubjectsLoader(queue, batch_size=2, num_workers=0)

    def batches():
        while True:
            for batch in loader:
                yield batch["t1"][tio.DATA].numpy()

    torch.set_num_threads(arguments.cores)
    return pipeline_result(batches(), arguments, 0.0)


def pipeline_of_monai(arguments, folder):
    """MONAI's PersistentDataset: prepared volumes as files, patches by workers."""
    import csv

    from monai import transforms as mt
    from monai.data import DataLoader, PersistentDataset, list_data_collate

    with arguments.cases.open(newline="", encoding="utf-8") as file:
        items = [
            {"t1": str(arguments.cases.parent / row["t1"])}
            for row in csv.DictReader(file)
        ]
    keys, size = ["t1"], (PATCH,) * 3
    steps = mt.Compose(
        [
            mt.LoadImaged(keys),
            mt.EnsureChannelFirstd(keys),
            mt.Orientationd(keys, axcodes="RAS"),
            mt.Spacingd(keys, pixdim=(SPACING,) * 3, mode="bilinear"),
            mt.NormalizeIntensityd(keys),
            mt.SpatialPadd(keys, size),
            mt.RandSpatialCropSamplesd(
                keys, size, num_samples=PATCHES_PER_VOLUME, random_size=False
            ),
            *[mt.RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(3)],
            mt.RandAffined(
                keys,
                prob=1.0,
                rotate_range=(0.17,) * 3,
                scale_range=(0.1,) * 3,
                padding_mode="zeros",
            ),
            mt.RandGaussianNoised(keys, prob=1.0, std=0.25),
            mt.ToTensord(keys, track_meta=False),
        ]
    )
    data = PersistentDataset(items, steps, cache_dir=folder)
    start = time.perf_counter()
    for _ in DataLoader(
        data, batch_size=1, num_workers=arguments.cores, collate_fn=list_data_collate
    ):
        pass
    built = time.perf_counter() - start
    loader = DataLoader(
        data,
        batch_size=1,
        shuffle=True,
        num_workers=arguments.cores,
        persistent_workers=True,
        collate_fn=list_data_collate,
    )

    def batches():
        while True:
            for batch in loader:
                yield batch["t1"].numpy()

    return pipeline_result(batches(), arguments, built)


PIPELINES = {
    "medzoo memory": pipeline_of("memory"),
    "medzoo cached": pipeline_of("cached"),
    "medzoo streamed": pipeline_of("streamed"),
    "TorchIO Queue": pipeline_of_torchio,
    "MONAI PersistentDataset": pipeline_of_monai,
}
