"""A network with one output, and what is made of it within what is compiled."""


def network_of(model, softmax, classes=False):
    """Returns a model's first output alone, a Keras model on the same variables.

    Args:
        model: a functional Keras model.
        softmax: bool, whether probabilities over the last axis come out.
        classes: bool, whether the index of the largest comes out, as float32; or a
            tuple of groups of classes, tuples of int, for the class of each with the
            largest output.
    """
    import keras

    output = model.outputs[0]
    if softmax:
        output = keras.layers.Softmax(dtype="float32", name="probabilities")(output)
    if classes is True:
        output = _largest(output)
    elif classes:
        output = keras.ops.concatenate([_best(output, g) for g in classes], axis=-1)
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    return keras.Model(inputs, output)


def _largest(output):
    """The index of the largest of the last axis, float32 `(..., 1)`."""
    import keras

    # Keras' argmax takes numbers apart bit by bit, which OpenVINO cannot.
    _, largest = keras.ops.top_k(output, 1)
    return keras.ops.cast(largest, "float32")


def _best(output, group):
    """Which class of a group has the largest output, float32 `(..., 1)`."""
    import keras

    _, place = keras.ops.top_k(keras.ops.take(output, list(group), axis=-1), 1)
    table = keras.ops.convert_to_tensor(list(group), dtype="float32")
    return keras.ops.take(table, place, axis=0)
