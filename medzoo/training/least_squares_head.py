"""The last layer of a super-resolution network by least squares."""

import keras
import numpy as np

from medzoo.data.feeds.upsampling import fine_by_coarse
from medzoo.errors import RecipeError
from medzoo.training.ridge import solve_ridge

# Share of the mean variance of a feature that is added to each.
PENALTY = 1e-5


def solve_head(model, data, num_batches, *, penalty=PENALTY):
    """Sets the last convolution to its least-squares solution on given features.

    What the network learns is the mean squared error; in its last, linear layer that
    is a ridge regression. Solved before training it is a better start than zeros, and
    after training it brings the layer to where many more steps would.

    Args:
        model: `SuperResolution3D` with a sub-voxel head and no bias in it; changed.
        data: `SuperResolutionDataset`: a number beyond its length draws further patches
            of the current epoch.
        num_batches: int, batches that are seen; with too few voxels for the weights of
            the kernel a trained head is better.
        penalty: float, share of the mean variance of a feature. Defaults to 1e-5.

    Raises:
        RecipeError: if the network has another head.
    """
    head = model.get_layer(model.head_name)
    if not isinstance(head, keras.layers.Conv3D) or head.use_bias:
        raise RecipeError(
            "Only a sub-voxel head without bias can be solved for. "
            f"Received: {type(head).__name__}, use_bias={head.use_bias}. "
            'Set head="sub_voxel" and head_bias=false.'
        )
    trunk = keras.Model(model.input, head.input)
    linear = next((x for x in model.layers if x.name == "linear"), None)
    gram, moments = 0.0, 0.0
    for number in range(num_batches):
        coarse, fine = data[number]
        if linear is not None:
            fine = fine - keras.ops.convert_to_numpy(linear(coarse))
        factor = [
            n // m for n, m in zip(fine.shape[1:4], coarse.shape[1:4], strict=True)
        ]
        found = trunk.predict_on_batch(coarse)
        for features, wanted in zip(found, fine, strict=True):
            rows = _neighbourhoods(features, head.kernel_size)
            columns = fine_by_coarse(wanted, factor)
            gram = gram + (rows.T @ rows).astype(np.float64)
            moments = moments + (rows.T @ columns).astype(np.float64)
    kernel = solve_ridge(gram, moments, penalty)
    head.kernel.assign(kernel.reshape(head.kernel.shape))


def _neighbourhoods(features, kernel_size):
    """`(x, y, z, channels)` -> a row of what the kernel sees at each place."""
    # Zeros around, as the convolution has them: borders are learned too.
    around = [((k - 1) // 2, k // 2) for k in kernel_size]
    padded = np.pad(features, [*around, (0, 0)])
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel_size, (0, 1, 2))
    views = np.moveaxis(views, 3, -1)
    return views.reshape(-1, np.prod(views.shape[3:]))
