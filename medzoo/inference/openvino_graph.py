"""Transposed convolutions of an OpenVINO graph, brought to the form that runs fast."""

import numpy as np

TRANSPOSED = "ConvolutionBackpropData"
# What a StridedSlice may do beside cropping.
OTHER_MASKS = ("new_axis_mask", "shrink_axis_mask", "ellipsis_mask")
# Before one of these OpenVINO's CPU plugin begins to round, seen from the answer.
ROUNDED = ("Convolution", "GroupConvolution", "MatMul")


def simplify_transposed(model):
    """Gives transposed convolutions explicit padding, and lets them crop.

    As TensorFlow writes them they are told their output's shape, computed from that of
    the input, and planes that are not wanted are cropped after it, axes turned. In this
    form OpenVINO 2026 fuses nothing into them, and copies what goes in and comes out.
    Padding of a transposed convolution is cropping: both become padding.

    Args:
        model: `openvino.Model` with fixed shapes; changed in place. Answers stay.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() == TRANSPOSED and _is_known(node):
            _let_it_crop(_with_padding(node))
    model.validate_nodes_and_infer_types()


def let_reduce(model):
    """Lets OpenVINO compute transposed convolutions in a reduced precision.

    Whatever it reaches from the answer before the first convolution or matrix product
    it keeps in float32. Where blocks end in a sum with what went in (residual ones)
    that is every transposed convolution of a network. A convolution that copies, behind
    the last of them, is where the rounding begins instead; sums up to the answer are
    exact as before. A last one without such a sum is left alone.

    Args:
        model: `openvino.Model` with fixed shapes; changed in place.
    """
    for node in reversed(model.get_ordered_ops()):
        if node.get_type_name() == TRANSPOSED and _reaches_answer(node):
            _copy_behind(node)
    model.validate_nodes_and_infer_types()


def _reaches_answer(node):
    """Whether a path leads to the answer, past a sum, on which nothing is rounded."""
    waiting, seen = [(node, False)], set()
    while waiting:
        last, summed = waiting.pop()
        for port in last.output(0).get_target_inputs():
            reader = port.get_node()
            kind, found = reader.get_type_name(), summed or _joins(reader)
            if kind == "Result" and found:
                return True
            key = (reader.get_friendly_name(), found)
            if kind not in ROUNDED and kind != "Result" and key not in seen:
                seen.add(key)
                waiting.append((reader, found))
    return False


def _joins(node):
    """Whether a node adds up two computed values, not a bias."""
    is_sum = node.get_type_name() == "Add"
    return is_sum and all(_constant(node, number) is None for number in (0, 1))


def _copy_behind(node):
    from openvino import opset13

    channels, *sizes = node.output(0).get_shape()[1:]
    axes = len(sizes)
    kernel = np.eye(channels, dtype=np.float32).reshape(channels, channels, *[1] * axes)
    readers = list(node.output(0).get_target_inputs())
    ones, zeros = [1] * axes, [0] * axes
    copy = opset13.convolution(node.output(0), kernel, ones, zeros, zeros, ones)
    for reader in readers:
        reader.replace_source_output(copy.output(0))


def _is_known(node):
    shapes = [value.get_partial_shape() for value in (*node.inputs(), node.output(0))]
    is_automatic = node.get_attributes()["auto_pad"] != "explicit"
    return is_automatic and all(shape.is_static for shape in shapes)


def _with_padding(node):
    """Replaces a transposed convolution by one with explicit padding; returns it."""
    attributes = node.get_attributes()
    strides, dilations = attributes["strides"], attributes["dilations"]
    size, kernel = (np.array(node.input(n).get_shape()[2:]) for n in (0, 1))
    whole = np.array(strides) * (size - 1) + np.array(dilations) * (kernel - 1) + 1
    missing = whole - node.output(0).get_shape()[2:]
    # Filled in when shapes became known.
    begin = np.array(attributes["pads_begin"])
    return _replace(node, begin, missing - begin)


def _replace(node, begin, end):
    from openvino import opset13

    attributes = node.get_attributes()
    made = opset13.convolution_backprop_data(
        node.input_value(0),
        node.input_value(1),
        attributes["strides"],
        # Beyond its end there is nothing to crop, but planes to add.
        pads_begin=begin.tolist(),
        pads_end=np.maximum(end, 0).tolist(),
        dilations=attributes["dilations"],
        output_padding=np.maximum(-end, 0).tolist(),
        name=node.get_friendly_name(),
    )
    node.output(0).replace(made.output(0))
    return made


def _let_it_crop(node):
    """Moves a crop of the answer, and of nothing else, into the convolution."""
    last, order = node, list(range(len(node.output(0).get_shape())))
    while (reader := _only_reader(last)) is not None:
        kind = reader.get_type_name()
        if kind == "StridedSlice":
            _take_over(node, reader, order)
            return
        if kind == "Transpose" and _constant(reader, 1) is not None:
            order = [order[axis] for axis in _constant(reader, 1).tolist()]
        elif not (kind == "Add" and _is_per_channel(reader, order)):
            return
        last = reader


def _take_over(node, crop, order):
    bounds = _bounds(crop)
    if bounds is None:
        return
    # By axis of the convolution: batch and channels come first.
    bounds = [bounds[order.index(axis)] for axis in range(len(order))]
    if any(bound != (0, 0) for bound in bounds[:2]):
        return
    low, high = np.array(bounds[2:]).T
    attributes = node.get_attributes()
    begin = low + attributes["pads_begin"]
    end = high + attributes["pads_end"] - attributes["output_padding"]
    crop.output(0).replace(crop.input_value(0))
    _replace(node, begin, end)


def _bounds(crop):
    """Planes that a crop leaves out at both ends of each axis; None if it does more."""
    attributes = crop.get_attributes()
    if any(any(attributes[name]) for name in OTHER_MASKS):
        return None
    given = [_constant(crop, number) for number in range(1, crop.get_input_size())]
    if any(values is None for values in given) or _skips(given[2:]):
        return None
    bounds = []
    for axis, size in enumerate(crop.input(0).get_shape()):
        begin = _bound(given[0], attributes["begin_mask"], axis)
        end = _bound(given[1], attributes["end_mask"], axis)
        first, last, _ = slice(begin, end).indices(size)
        bounds.append((first, size - last))
    return bounds


def _skips(steps):
    return any(np.any(step != 1) for step in steps)


def _bound(values, mask, axis):
    """Where a crop begins or ends, None for where the axis does."""
    is_open = axis >= len(values) or (axis < len(mask) and mask[axis])
    return None if is_open else int(values[axis])


def _only_reader(node):
    readers = list(node.output(0).get_target_inputs())
    return readers[0].get_node() if len(readers) == 1 else None


def _constant(node, number):
    """The values of an input, or None where they are not fixed."""
    source = node.input_value(number).get_node()
    return source.get_data() if source.get_type_name() == "Constant" else None


def _is_per_channel(add, order):
    """Whether one side of a sum is a constant along all axes but the channels."""
    for number in (0, 1):
        values = _constant(add, number)
        if values is not None:
            shape = (1,) * (len(order) - values.ndim) + values.shape
            return all(n == 1 or order[axis] == 1 for axis, n in enumerate(shape))
    return False
