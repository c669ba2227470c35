"""Several devices with TensorFlow: tf.distribute.MirroredStrategy."""

import keras
import numpy as np

from medzoo.errors import InputError
from medzoo.training.devices import (
    SeveralDevices,
    inner_losses,
    parts_of,
    sees_whole_batch,
)

# Numbers of groups of devices that a strategy may use.
GROUPS = 10_000


class MirroredDevices(SeveralDevices):
    """Steps whose batch is parted over devices, and that give what one would.

    Keras' own `train_on_batch` would give every device the whole batch, and its `fit`
    clips the gradients of each device alone and cannot accumulate them; see
    docs/upstream.md. Here gradients are summed first, and the optimizer then makes the
    step that it makes on one device.

    Args:
        names: list of str, as `names` gives them.
    """

    def __init__(self, names):
        import tensorflow as tf

        self.count = len(names)

        class Strategy(tf.distribute.MirroredStrategy):
            # TensorFlow keeps groups of devices by a number for the life of a process,
            # and refuses a second one of another size.
            _collective_key_base = GROUPS * len(names)

        self._strategy = Strategy(names)

    @staticmethod
    def names():
        """Returns the names of the devices there are: GPUs, or without any, CPUs."""
        import tensorflow as tf

        found = tf.config.list_logical_devices
        devices = found("GPU") or found("CPU")
        return [device.name.removeprefix("/device:") for device in devices]

    def scope(self):
        """See `OneDevice`."""
        return self._strategy.scope()

    def stepper(self, model):
        """See `OneDevice`."""
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                # Moments of the whole batch, not of a device's part.
                layer.synchronized = True
        whole = sees_whole_batch(model.loss)
        update = self._update(model, whole)

        def step(batch):
            with self.scope():
                # Metrics make their variables here; within `update` it is too late.
                model._maybe_symbolic_build(data_batch=(*batch, None))
                model.reset_metrics()
            images, targets = keras.tree.map_structure(self._parted, batch)
            if whole:
                targets = keras.tree.map_structure(
                    keras.ops.convert_to_tensor, batch[1]
                )
            size = np.int32(len(keras.tree.flatten(batch[0])[0]))
            loss = update(images, targets, size)
            logs = {k: float(v) for k, v in model.get_metrics_result().items()}
            return {**logs, "loss": float(loss)}

        return step

    def _parted(self, array):
        """An array's equal parts, one a device; devices beyond repeat a part."""
        import tensorflow as tf

        parts = np.split(array, parts_of(len(array), self.count))

        def part(context):
            return tf.constant(parts[context.replica_id_in_sync_group % len(parts)])

        return self._strategy.experimental_distribute_values_from_function(part)

    def _update(self, model, whole):
        """The compiled step: losses and gradients of all devices, then one update."""
        import tensorflow as tf

        strategy, optimizer = self._strategy, model.optimizer
        share = share_of(model.loss, self.count)

        def of_device(images, targets, size):
            with tf.GradientTape() as tape:
                found = model(images, training=True)
                if whole:
                    found = keras.tree.map_structure(
                        lambda part: _gathered(part)[:size], found
                    )
                loss = share * model.compute_loss(
                    x=images, y=targets, y_pred=found, training=True
                )
                scaled = optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, model.trainable_variables)
            model.compute_metrics(images, targets, found)
            return loss, gradients

        @tf.function(autograph=False, reduce_retracing=True)
        def update(images, targets, size):
            loss, gradients = strategy.run(of_device, args=(images, targets, size))
            gradients = [strategy.reduce("SUM", g, axis=None) for g in gradients]
            # Outside of the strategy's scope: the optimizer sees sums, and what it
            # assigns goes to all devices.
            optimizer.apply(gradients, model.trainable_variables)
            return strategy.reduce("SUM", loss, axis=None)

        return update


def share_of(loss, count):
    """Returns what the loss of each of `count` devices counts in their sum.

    Args:
        loss: as of `medzoo.training.devices.inner_losses`.
        count: int.

    Raises:
        InputError: for sums beside means, of which each would need another.
    """
    sums = {inner.reduction == "sum" for inner in inner_losses(loss)}
    if len(sums) > 1:
        raise InputError(
            "The losses of all outputs must be sums, or all be means, on several "
            "devices. Received: both. Give them one reduction."
        )
    # Keras divides means by the number of devices, and sums by nothing.
    return 1 / count if sums == {True} else 1.0


def _gathered(part):
    """The parts of all devices, one after the other; gradients go back to each."""
    import tensorflow as tf

    found = tf.distribute.get_replica_context().all_gather(part, axis=0)
    # It forgets all sizes.
    return tf.ensure_shape(found, (None, *part.shape[1:]))
