"""What becomes of label maps after the network."""

import numpy as np

from medzoo.inference.segment import largest_component, volumes_ml


def test_only_the_largest_connected_part_is_kept():
    labels = np.zeros((12, 10, 8), np.uint8)
    labels[1:6, 1:6, 1:6] = 2
    labels[3, 3, 3] = 0
    # Another class that touches it belongs to it; what touches by an edge does not.
    labels[6, 2, 2] = 1
    labels[6, 6, 6] = 3
    labels[10:, 8:, 6:] = 2

    kept = largest_component(labels)

    wanted = labels.copy()
    wanted[6, 6, 6] = 0
    wanted[10:] = 0
    np.testing.assert_array_equal(kept, wanted)
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(largest_component(0 * labels), 0 * labels)


def test_volumes_count_voxels_in_millilitres():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[:5] = 1
    found = volumes_ml(labels, (2.0, 1.0, 0.5), ["background", "a", "b"])
    assert found == {"a": 0.5, "b": 0.0}
