"""Where steps of training are computed: one device, or a batch parted over several."""

from contextlib import nullcontext
from math import gcd

import keras

from medzoo.errors import InputError
from medzoo.losses.voxel_loss import VoxelLoss

# Reductions that give the mean over a batch, so that equal parts have the mean of it.
MEANS = ("sum_over_batch_size", "mean")
# Keras' losses whose sums go over all samples of a batch.
OVER_BATCH = (keras.losses.Dice, keras.losses.Tversky)


class OneDevice:
    """Steps on the device that Keras takes by itself; what the other ways are like.

    Attributes:
        count: int, devices.
    """

    count = 1

    def scope(self):
        """Context in which a network and its optimizer are made."""
        return nullcontext()

    def stepper(self, model):
        """Returns what makes one step of training.

        Args:
            model: Keras model made in `scope`, compiled with a `keras.losses.Loss`,
                its optimizer built.

        Returns:
            Callable that takes a batch, a tuple `(images, targets)`, and returns the
            loss and metrics of all of it, dict of str -> float.
        """

        def step(batch):
            return model.train_on_batch(*batch, return_dict=True)

        return step

    def alone(self, model, make):
        """Returns the model on one device, for all that is no step of training.

        Args:
            model: Keras model made in `scope`.
            make: callable without arguments that makes such a model with weights of
                its own.
        """
        return model


class SeveralDevices(OneDevice):
    """Base class: one network, of which each device has a copy."""

    _twin = None

    def alone(self, model, make):
        """See `OneDevice`: a copy with the same variables and count of steps."""
        if self._twin is None or self._twin[0] is not model:
            twin = make()
            # How many steps were made, for pictures in a log.
            twin.optimizer = model.optimizer
            self._twin = model, twin
        twin = self._twin[1]
        for own, variable in zip(twin.variables, model.variables, strict=True):
            own.assign(keras.ops.convert_to_numpy(variable))
        return twin


def devices_of(number, batch_size=None, log=None):
    """Returns the devices that a training uses.

    Args:
        number: int or None for 1.
        batch_size: int or None, of the training, to say where it fits them badly.
        log: callable taking a line, or None.

    Raises:
        InputError: for less than 1, more than there are, or a backend of Keras for
            which steps on several are not made.
    """
    if number is None or number == 1:
        return OneDevice()
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InputError(
            "`devices` must be a whole number of at least 1. "
            f"Received: devices={number!r}."
        )
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise InputError(
            "Training on several devices is made for TensorFlow and JAX. "
            f"Received: devices={number}, backend {backend}. Set KERAS_BACKEND."
        )
    if backend == "jax":
        from medzoo.training.parallel_devices import ParallelDevices as Devices
    else:
        from medzoo.training.mirrored_devices import MirroredDevices as Devices
    names = Devices.names()
    if number > len(names):
        raise InputError(
            "A training cannot use more devices than Keras sees. Received: "
            f"devices={number}, there are {len(names)} ({', '.join(names[:8])}). "
            "See docs/guides/gpu.md."
        )
    if log is not None:
        log(f"training on {number} devices: {', '.join(names[:number])}")
        if batch_size and (parts := parts_of(batch_size, number)) < number:
            log(f"a batch of {batch_size} is computed in {parts} parts: others repeat")
    return Devices(names[:number])


def parts_of(size, count):
    """Returns in how many equal parts a batch is computed on some devices.

    Parts of equal size have the mean of the batch as the mean of their means, and its
    statistics; devices beyond repeat a part, which changes neither.

    Args:
        size: int, samples in the batch.
        count: int, devices.
    """
    return gcd(size, count)


def sees_whole_batch(loss):
    """Whether a loss is no mean of losses of samples, and so of parts of a batch."""
    inner = loss
    while isinstance(getattr(inner, "loss", None), keras.losses.Loss):
        inner = inner.loss
    if inner.reduction not in MEANS:
        return True
    if isinstance(inner, VoxelLoss):
        return inner.mixes_volumes
    return isinstance(inner, OVER_BATCH)
