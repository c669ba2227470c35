"""Gradients of one answer of a network in its input, on any backend of Keras."""

import keras
import numpy as np
from keras import ops

# Points that go through the network at once.
BATCH = 8


class _Moved(keras.layers.Layer):
    """Adds a weight of zeros to a batch: its gradient is that of the input."""

    def build(self, input_shape):
        self.shift = self.add_weight(
            name="shift", shape=input_shape, initializer="zeros"
        )

    def call(self, inputs):
        return inputs + self.shift


class InputGradients:
    """The answer of a copy of a network, and its gradient in the input.

    Keras has no gradients of its own. One step of plain gradient descent with a step
    size of 1 moves a weight from 0 to minus its gradient, whatever the backend; the
    weight is added to the input, and all others are frozen.

    Args:
        model: medzoo model.
        answer: `medzoo.explanation.answer.Answer`.
        hear: callable, told after each batch how many are done; or None.

    Example:
        >>> gradients = InputGradients(model, answer)  # doctest: +SKIP
        >>> gradients(x).shape == x.shape  # doctest: +SKIP
    """

    def __init__(self, model, answer, hear=None):
        self._hear = hear or (lambda done: None)
        self._done = 0
        self._network = type(model).from_config(model.get_config())
        self._network.set_weights(model.get_weights())
        self._network.trainable = False
        shape = self._network.input_shape[1:]
        inputs = keras.Input(batch_shape=(BATCH, *shape), dtype="float32")
        self._moved = _Moved(dtype="float32", name="moved")
        found = answer.of(self._network, self._moved(inputs))
        self._probe = keras.Model(inputs, found)
        # The loss is a mean over the batch.
        step = keras.optimizers.SGD(learning_rate=float(BATCH))
        self._probe.compile(optimizer=step, loss=_answer_itself)

    def __call__(self, points):
        """Returns the gradient at each point.

        Args:
            points: `(n, x, y, z, channels)` float array, as the network takes it.

        Returns:
            Array of the same shape, float32.
        """
        parts = []
        for batch, count in _batches(points):
            self._moved.shift.assign(np.zeros(batch.shape, np.float32))
            self._probe.train_on_batch(batch, np.zeros((BATCH, 1), np.float32))
            gradient = -ops.convert_to_numpy(self._moved.shift)
            parts.append(gradient[:count])
            self._tell()
        return np.concatenate(parts)

    def answers(self, points):
        """Returns the answer at each point, `(n,)` float64."""
        self._moved.shift.assign(np.zeros(self._moved.shift.shape, np.float32))
        parts = []
        for batch, count in _batches(points):
            found = self._probe.predict_on_batch(batch)
            parts.append(np.asarray(found, np.float64)[:count, 0])
            self._tell()
        return np.concatenate(parts)

    def _tell(self):
        self._done += 1
        self._hear(self._done)

    def randomise(self, seed=0):
        """Shuffles the values of every weight: nothing that was learned is left.

        Args:
            seed: int.
        """
        rng = np.random.default_rng(seed)
        self._network.set_weights(
            [
                rng.permutation(np.ravel(weight)).reshape(np.shape(weight))
                for weight in self._network.get_weights()
            ]
        )


def _answer_itself(truth, answer):
    # Keras wants a truth, which takes no part.
    return answer[:, 0] + 0.0 * truth[:, 0]


def _batches(points):
    """Yields batches of one size, the last filled with its last point; and counts."""
    points = np.asarray(points, np.float32)
    for start in range(0, len(points), BATCH):
        batch = points[start : start + BATCH]
        count = len(batch)
        filling = [(0, BATCH - count), *[(0, 0)] * (batch.ndim - 1)]
        yield np.pad(batch, filling, mode="edge"), count
