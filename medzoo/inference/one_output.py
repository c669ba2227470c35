"""A network with one output, and what is made of it within what is compiled."""


def network_of(model, softmax, classes=False):
    """Returns a model's first output alone, a Keras model on the same variables.

    Args:
        model: a functional Keras model.
        softmax: bool, whether probabilities over the last axis come out.
        classes: bool, whether the index of the largest comes out, as float32.
    """
    import keras

    output = model.outputs[0]
    if softmax:
        output = keras.layers.Softmax(dtype="float32", name="probabilities")(output)
    if classes:
        # Keras' argmax takes numbers apart bit by bit, which OpenVINO cannot.
        _, largest = keras.ops.top_k(output, 1)
        output = keras.ops.cast(largest, "float32")
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    return keras.Model(inputs, output)
