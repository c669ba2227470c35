"""Which voxels of a volume its statistics are taken over."""

from keras import ops

from medzoo.layers.volume_layer import MASKS, WEIGHTS, as_batch

REGIONS = ("whole", "foreground", "above_mean", "mask")
SPATIAL_AXES = (1, 2, 3)


def check_region(region):
    """Raises ValueError for a region that there is not."""
    if region not in REGIONS:
        raise ValueError(
            f"`region` must be one of {REGIONS}. Received: region={region!r}."
        )


def draw_mask(region, data, name):
    """Returns the mask or weights that a normalising layer needs beside the images.

    Args:
        region: str, one of `REGIONS`.
        data: tensor or dict, as the layer is called with.
        name: str, the layer, for the message.

    Returns:
        None, or for "mask" `{"inside": (batch, x, y, z, 1) bool}`: where the label
        map, or else the weights, are above 0 in any channel.

    Raises:
        ValueError: for "mask" and neither a label map nor weights.
    """
    if region != "mask":
        return None
    entries, _, _ = as_batch(data, name)
    key = MASKS if MASKS in entries else WEIGHTS
    if key not in entries:
        raise ValueError(
            f'{name} with region="mask" takes a dict with "{MASKS}" or "{WEIGHTS}". '
            f"Received: keys={sorted(entries)}."
        )
    return {"inside": ops.any(entries[key] > 0, -1, keepdims=True)}


def inside_region(images, region, transformation):
    """Returns the voxels of a region.

    Args:
        images: `(batch, x, y, z, channels)` float32.
        region: str, one of `REGIONS`.
        transformation: what `draw_mask` returned.

    Returns:
        Bool tensor of the shape of `images`. A volume whose mask is empty counts as a
        whole: there is nothing else to normalise it by.
    """
    if region == "foreground":
        return images != 0
    if region == "above_mean":
        return images > ops.mean(images, SPATIAL_AXES, keepdims=True)
    everywhere = ops.ones_like(images, dtype="bool")
    if region == "whole":
        return everywhere
    inside = transformation["inside"]
    empty = ops.logical_not(ops.any(inside, SPATIAL_AXES, keepdims=True))
    return ops.logical_and(ops.logical_or(inside, empty), everywhere)
