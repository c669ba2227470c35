"""DeepMedic3D: a fine and a coarse pathway of unpadded convolutions."""

from collections.abc import Sequence
from math import lcm
from typing import Any

import keras

from medzoo.layers.convolution_blocks import (
    convolve,
    drop,
    normalize_activate,
)
from medzoo.layers.crop_like_3d import CropLike3D, CropToMultiple3D
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.pad_channels import PadChannels
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.layers.size_3d import three_ints
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.heads import voxel_head
from medzoo.models.residual_encoder import check_counts, check_input_shape

THREE, ONE = (3, 3, 3), (1, 1, 1)
PADDINGS = ("valid", "same")


@keras.saving.register_keras_serializable(package="medzoo")
class DeepMedic3D(VolumeModel):
    """Segments the central voxels of a patch; returns logits.

    One pathway sees the middle of the patch at full resolution, each further one a
    larger part of it, averaged over blocks of `subsample_factors` voxels and
    interpolated back at its end. All are rows of unpadded 3x3x3 convolutions; some of
    them add what entered the convolution before (a residual over two). The pathways
    are concatenated, and two wider convolutions and a last one classify each voxel.
    With the default arguments it has 1,047,859 trainable parameters.

    Geometry, an axis: with `L` convolutions a pathway, largest factor `f` and `m` the
    least common multiple of all factors, an input of `n` voxels gives `m * floor((n -
    2 * L * f) / m)`, the middle ones of the input (where something is left over, the
    end loses one voxel more). By default `L = 8` and `f = m = 3`: 51 voxels give 3, 57
    give 9, 99 give 51. `model.compute_output_shape` tells for any size. With
    `padding="same"` zeros are put around the input, and the output has its size.

    Args:
        input_shape: four ints or None, `(x, y, z, channels)`. Defaults to
            `(None, None, None, 1)`: any size from the smallest on.
        num_classes: int, background included. Defaults to 2.
        filters: tuple of int, channels of the convolutions of a pathway.
        residual_layers: tuple of int, the convolutions of a pathway (counted from 1,
            at least 3) that add the input of the one before.
        subsample_factors: tuple of ints or of three ints, one a coarse pathway.
            Defaults to `((3, 3, 3),)`.
        classifier_filters: two ints, channels of the convolutions on the concatenated
            pathways: one of 3x3x3 voxels, then one of a single voxel with a residual
            from the concatenation. Defaults to `(150, 150)`.
        padding: str, "valid" (the default) or "same".
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to "prelu".
        use_bias: bool, biases in convolutions. Defaults to True.
        head_bias: bool, a bias in the last convolution. Defaults to True.
        dropout_rate: float in [0, 1), spatial dropout before each convolution of the
            classifier. Defaults to 0.
        kernel_regularizer: str, Keras object or None; on every convolution.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, x', y', z', num_classes)`, float32 logits; sizes as told above.

    Raises:
        ValueError: for arguments out of range, or a volume smaller than the smallest.

    Example:
        >>> model = DeepMedic3D()
        >>> model.compute_output_shape((None, 57, 57, 57, 1))
        (None, 9, 9, 9, 2)

    Source:
        Kamnitsas et al., "Efficient multi-scale 3D CNN with fully connected CRF"
        (2017); the default topology is what DLTK's deepmedic_3d (Pawlowski et al.,
        2017) was meant to be: its coarse pathway lacked the residuals.
    """

    def __init__(
        self,
        input_shape: Any = (None, None, None, 1),
        num_classes: int = 2,
        filters: Sequence[int] = (30, 30, 40, 40, 40, 40, 50, 50),
        residual_layers: Sequence[int] = (4, 6, 8),
        subsample_factors: Sequence[Sequence[int]] = ((3, 3, 3),),
        classifier_filters: Sequence[int] = (150, 150),
        padding: str = "valid",
        normalization: str = "batch",
        activation: str = "prelu",
        use_bias: bool = True,
        head_bias: bool = True,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        check_input_shape(input_shape)
        check_counts(num_classes=num_classes)
        _check(filters, residual_layers, classifier_filters, padding)
        arguments = {
            "input_shape": input_shape,
            "num_classes": num_classes,
            "filters": filters,
            "residual_layers": residual_layers,
            "subsample_factors": subsample_factors,
            "classifier_filters": classifier_filters,
            "padding": padding,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        all_factors = [
            ONE,
            *(three_ints(f, "subsample_factors") for f in subsample_factors),
        ]
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        x, largest = _fit(inputs, len(filters), all_factors, padding, style)
        pathways = [
            _pathway(
                x, factor, largest, filters, residual_layers, style, f"path{number}"
            )
            for number, factor in enumerate(all_factors)
        ]
        x = _classifier(pathways, classifier_filters, style)
        outputs = voxel_head(x, num_classes, head_bias, style)
        if padding == "same":
            outputs = CropLike3D(dtype="float32", name="output")([outputs, inputs])
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _fit(inputs, num_layers, all_factors, padding, style):
    """Crops or pads so that every pathway ends at the same size; largest factors."""
    multiple = tuple(lcm(*axis) for axis in zip(*all_factors, strict=True))
    largest = tuple(max(axis) for axis in zip(*all_factors, strict=True))
    # A convolution takes a voxel from either end, of the size that its pathway has.
    margin = tuple(num_layers * factor for factor in largest)
    if padding == "same":
        layer = PadToMultiple3D(multiple, margin, dtype=style.dtype, name="pad")
    else:
        offset = tuple(2 * m for m in margin)
        layer = CropToMultiple3D(multiple, offset, dtype=style.dtype, name="crop")
    return layer(inputs), largest


def _pathway(x, factor, largest, filters, residual_layers, style, name):
    surplus = [len(filters) * (f - g) for f, g in zip(largest, factor, strict=True)]
    if any(surplus):
        x = _crop(x, surplus, style, f"{name}_crop")
    if factor != ONE:
        # float32, for not every backend averages in less.
        x = keras.layers.AveragePooling3D(
            factor,
            dtype="float32",
            data_format="channels_last",
            name=f"{name}_pool",
        )(x)
    before = None  # What entered the convolution before.
    for number, width in enumerate(filters, start=1):
        entered, layer = x, f"{name}_{number}"
        if number > 1:
            x = normalize_activate(x, style, layer)
        x = convolve(x, width, THREE, ONE, style, f"{layer}_conv", padding="valid")
        if number in residual_layers:
            shortcut = _crop(before, (2, 2, 2), style, f"{layer}_shortcut_crop")
            x = _add(x, shortcut, style, layer)
        before = entered
    if factor != ONE:
        x = LinearUpsample3D(factor, dtype=style.dtype, name=f"{name}_up")(x)
    return x


def _classifier(pathways, filters, style):
    joined = pathways[0]
    if len(pathways) > 1:
        joined = keras.layers.Concatenate(dtype=style.dtype, name="concat")(pathways)
    x = drop(normalize_activate(joined, style, "dense1"), style, "dense1_dropout")
    # Mirrored, not zero: zeros would tell the classifier where a patch ends.
    x = PadToMultiple3D(margin=1, mode="symmetric", dtype=style.dtype, name="mirror")(x)
    x = convolve(x, filters[0], THREE, ONE, style, "dense1_conv", padding="valid")
    x = drop(normalize_activate(x, style, "dense2"), style, "dense2_dropout")
    x = convolve(x, filters[1], ONE, ONE, style, "dense2_conv")
    x = _add(x, joined, style, "dense2")
    return drop(normalize_activate(x, style, "final"), style, "final_dropout")


def _add(x, shortcut, style, name):
    missing = x.shape[-1] - shortcut.shape[-1]
    if missing > 0:
        pad = PadChannels(x.shape[-1], dtype=style.dtype, name=f"{name}_pad")
        shortcut = pad(shortcut)
    elif missing < 0:
        name_of_it = f"{name}_shortcut_conv"
        shortcut = convolve(shortcut, x.shape[-1], ONE, ONE, style, name_of_it)
    return keras.layers.Add(dtype=style.dtype, name=f"{name}_add")([x, shortcut])


def _crop(x, voxels, style, name):
    return keras.layers.Cropping3D(
        tuple(voxels), dtype=style.dtype, data_format="channels_last", name=name
    )(x)


def _check(filters, residual_layers, classifier_filters, padding):
    if padding not in PADDINGS:
        raise ValueError(
            f"`padding` must be one of {PADDINGS}. Received: padding={padding!r}."
        )
    if len(classifier_filters) != 2:
        raise ValueError(
            "`classifier_filters` must be two ints. "
            f"Received: classifier_filters={classifier_filters}."
        )
    if any(not 3 <= number <= len(filters) for number in residual_layers):
        raise ValueError(
            f"`residual_layers` must lie between 3 and {len(filters)}, the number of "
            f"convolutions. Received: residual_layers={residual_layers}."
        )
