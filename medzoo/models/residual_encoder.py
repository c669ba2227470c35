"""The residual encoder that classification and segmentation networks share."""

from numbers import Integral

from medzoo.layers.convolution_blocks import convolve, residual_unit


def residual_encoder(x, filters, strides, num_units, style, stem_kernel):
    """Adds a first convolution, then strided residual units for every further scale.

    Args:
        x: `KerasTensor` of shape `(batch, x, y, z, channels)`.
        filters: tuple of int, channels at each scale.
        strides: tuple of three ints a scale, the stride on entering it.
        num_units: int, residual units at each scale after the first.
        style: `BlockStyle`.
        stem_kernel: three ints, kernel size of the first convolution.

    Returns:
        list of `KerasTensor`, the end of each scale, the finest first.
    """
    x = convolve(x, filters[0], stem_kernel, tuple(strides[0]), style, "stem_conv")
    scales = [x]
    for scale in range(1, len(filters)):
        for unit in range(num_units):
            stride = tuple(strides[scale]) if unit == 0 else (1, 1, 1)
            name = f"scale{scale}_unit{unit + 1}"
            x = residual_unit(x, filters[scale], stride, style, name)
        scales.append(x)
    return scales


def check_scales(input_shape, filters, strides, **counts):
    """Raises ValueError for arguments from which no such network can be built.

    Args:
        input_shape: `(x, y, z, channels)`, sizes may be None.
        filters: channels at each scale.
        strides: three ints for each of them.
        **counts: further arguments of the network that must be at least 1.
    """
    check_input_shape(input_shape)
    if len(filters) != len(strides) or any(len(s) != 3 for s in strides):
        raise ValueError(
            "`strides` must hold three ints for every entry of `filters`. "
            f"Received: filters={filters}, strides={strides}."
        )
    check_counts(**counts)


def check_counts(**counts):
    """Raises ValueError unless each is an int of at least 1."""
    for name, count in counts.items():
        if not isinstance(count, Integral) or count < 1:
            raise ValueError(
                f"`{name}` must be an int, at least 1. Received: {name}={count}."
            )


def check_input_shape(input_shape, fixed=False):
    """Raises ValueError unless it is `(x, y, z, channels)`, with sizes if `fixed`."""
    if len(input_shape) != 4 or input_shape[3] is None:
        raise ValueError(
            "`input_shape` must be (x, y, z, channels). "
            f"Received: input_shape={input_shape}."
        )
    if fixed and None in input_shape:
        raise ValueError(
            "`input_shape` must have fixed sizes: dense layers depend on them. "
            f"Received: input_shape={input_shape}."
        )
