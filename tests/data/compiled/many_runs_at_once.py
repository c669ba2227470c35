"""Runs so many compiled pipelines with a reduction at once: prints "done".

Without care for it TensorFlow 2.21 ends the process in most of these loops.
"""

import sys

import keras
import tensorflow as tf

import medzoo

THREADS, VOLUMES = 8, 16


class Peak(keras.layers.Layer):
    """The largest size of a value."""

    def call(self, x):
        """Returns a scalar."""
        return keras.ops.max(keras.ops.abs(x))


def main(pipelines):
    """New pipelines again and again: it is first runs that met."""
    # Of the process, and before anything ran: hence a script of its own.
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    volumes = tf.unstack(tf.random.uniform((VOLUMES, 32, 32, 32, 1)))
    for _ in range(pipelines):
        pipeline = medzoo.CompiledPipeline([Peak()])
        at_once = tf.function(lambda run=pipeline: [run(x) for x in volumes])
        for _ in range(10):
            at_once()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
