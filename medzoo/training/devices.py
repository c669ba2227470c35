"""Where steps of training are computed: one device, or a batch parted over several."""

from contextlib import nullcontext
from math import gcd

import keras

from medzoo.losses.voxel_loss import VoxelLoss

# Reductions that give the mean over a batch, so that equal parts have the mean of it.
MEANS = ("sum_over_batch_size", "mean")
# Keras' losses whose sums go over all samples of a batch.
OVER_BATCH = (keras.losses.Dice, keras.losses.Tversky)


class OneDevice:
    """Steps on the device that Keras takes by itself; what the other ways are like.

    Attributes:
        count: int, devices.
        tells: bool, whether this process logs: of several the first does.
    """

    count = 1
    tells = True

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

    def folder_of(self, output):
        """Returns where this process writes.

        Args:
            output: pathlib.Path, the folder that a user named.
        """
        return output

    def share(self, runs, facts):
        """Gives all processes the state of the first one's earlier run.

        Args:
            runs: pathlib.Path of this process's folder of checkpoints.
            facts: dict, what the run is of, as JSON has it.

        Raises:
            InputError: if that is something else in another process.
        """

    def agree(self, flag):
        """Returns whether a flag is set in any process."""
        return bool(flag)


class SeveralDevices(OneDevice):
    """Base class: one network, of which each device has a copy."""

    _twin = None

    def parts_of(self, size):
        """Returns in how many parts a batch of this size is computed."""
        return parts_of(size, self.count)

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


def parts_of(size, count, processes=1):
    """Returns in how many equal parts a batch is computed on some devices.

    Parts of equal size have the mean of the batch as the mean of their means, and its
    statistics; devices beyond repeat a part, which changes neither.

    Args:
        size: int, samples in the batch.
        count: int, devices.
        processes: int, processes that have equally many of the devices: each has
            several parts, or several have one.
    """
    most = gcd(size, count)
    possible = [parts for parts in range(1, most + 1) if most % parts == 0]
    return max(n for n in possible if n % processes == 0 or processes % n == 0)


def inner_losses(loss):
    """Returns the losses that compute and reduce.

    Args:
        loss: Keras loss, which may hold another, or a list or dict of them, one an
            output of a network with deep supervision.
    """
    found = []
    for inner in keras.tree.flatten(loss):
        while isinstance(getattr(inner, "loss", None), keras.losses.Loss):
            inner = inner.loss
        found.append(inner)
    return found


def sees_whole_batch(loss):
    """Whether a loss is no mean of losses of samples, and so of parts of a batch.

    Args:
        loss: as of `inner_losses`; of several one is enough.
    """
    return any(_sees_whole_batch(inner) for inner in inner_losses(loss))


def _sees_whole_batch(inner):
    if inner.reduction not in MEANS:
        return True
    if isinstance(inner, VoxelLoss):
        return inner.mixes_volumes
    return isinstance(inner, OVER_BATCH)
