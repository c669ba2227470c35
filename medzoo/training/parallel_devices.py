"""Several devices with JAX: keras.distribution.DataParallel."""

import keras

from medzoo.training.devices import SeveralDevices, parts_of


class ParallelDevices(SeveralDevices):
    """Steps whose batch is sharded; XLA computes them as if on one device.

    Sums over the batch (the loss, its gradients, the statistics of batch
    normalisation) go over all shards, so nothing else is needed.

    Args:
        names: list of str, as `names` gives them.
    """

    def __init__(self, names):
        self.count = len(names)
        self._distribution = EvenParts(devices=names)

    @staticmethod
    def names():
        """Returns the names of the devices there are."""
        return keras.distribution.list_devices()

    def parts_of(self, size):
        """See `SeveralDevices`."""
        return self._distribution.parts_of(size)

    def scope(self):
        """See `OneDevice`."""
        return self._distribution.scope()

    def stepper(self, model):
        """See `OneDevice`."""

        def step(batch):
            with self.scope():
                return model.train_on_batch(*batch, return_dict=True)

        return step


class EvenParts(keras.distribution.DataParallel):
    """Data parallelism that takes a batch of any size.

    Keras shards the first axis over all devices, which JAX refuses for sizes that they
    do not divide. Here devices beyond the largest common divisor repeat a shard.
    """

    # Of several processes each gives a part: the batch of all is longer.
    batch_size = None
    processes = 1

    def parts_of(self, size):
        """Returns in how many parts a batch of this size is computed."""
        return parts_of(size, self.device_mesh.devices.size, self.processes)

    def get_data_layout(self, data_shape):
        """Returns the `TensorLayout` of an array whose first axis is the batch."""
        devices = self.device_mesh.devices
        parts = self.parts_of(self.batch_size or data_shape[0])
        mesh = keras.distribution.DeviceMesh(
            (parts, devices.size // parts),
            [self.batch_dim_name, "repeated"],
            devices.ravel(),
        )
        axes = [self.batch_dim_name, *[None] * (len(data_shape) - 1)]
        return keras.distribution.TensorLayout(axes, mesh)
