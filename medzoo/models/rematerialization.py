"""Gradient checkpointing: activations within blocks are recomputed, not stored."""

import re
from inspect import signature

import keras
from keras import ops

from medzoo.errors import InputError

# Residual units, with the first of a decoder scale what leads to it; the head. Halves
# of units saved no memory when measured: the largest block decides.
_BLOCK = re.compile(r"(?P<stage>scale\d+|decoder\d+)(_unit(?P<unit>\d+))?_|(head|last)")


class Blocks:
    """A functional network as blocks whose activations are recomputed.

    The gradient needs what each layer was given. Kept as usual, all of that lies in
    memory at once; here only what passes from block to block does, and a block is
    computed again when its gradient is due. Outputs and gradients are the same.
    A block takes the values of its variables as inputs and gives new ones as outputs,
    so that computing it twice changes nothing: averages of batch normalisation move
    once, dropout draws the same.

    Args:
        model: functional Keras model, each layer of it called once.

    Raises:
        InputError: if the network has no blocks: those of `ResNet3D`, `FCN3D` and
            `ResidualUNet3D` are known.

    Source:
        Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
    """

    def __init__(self, model):
        steps = [_Step(x) for x in model.layers if not _is_input(x)]
        if not any("_unit" in step.layer.name for step in steps if step.block):
            raise InputError(
                "Only ResNet3D, FCN3D and ResidualUNet3D can be rematerialised. "
                f"Received: {type(model).__name__}. Leave `rematerialize` out."
            )
        self._inputs = [id(x) for x in model.inputs]
        self._outputs = [id(x) for x in model.outputs]
        self._blocks = _in_order(_grouped(steps), set(self._inputs))
        for block in self._blocks:
            others = [other for other in self._blocks if other is not block]
            block.find_outputs({n for o in others for n in o.needed} | {*self._outputs})

    def __call__(self, inputs, training):
        """Gives what the model gives.

        Args:
            inputs: tensor or list of tensors, as the model has them.
            training: bool.
        """
        tensors = dict(zip(self._inputs, keras.tree.flatten(inputs), strict=True))
        for block in self._blocks:
            given = [tensors[name] for name in block.inputs]
            found = block(given, training)
            tensors.update(zip(block.outputs, found, strict=True))
        found = [tensors[name] for name in self._outputs]
        return found[0] if len(found) == 1 else found


class _Step:
    """One layer, with the names of the tensors that it takes and gives."""

    def __init__(self, layer):
        self.layer = layer
        self.listed = isinstance(layer.input, list)
        self.inputs = [id(x) for x in keras.tree.flatten(layer.input)]
        self.output = id(layer.output)
        self.told = "training" in signature(layer.call).parameters
        match = _BLOCK.match(layer.name)
        self.block = match and (match["stage"] or "head", match["unit"] or "1")

    def run(self, tensors, training):
        given = [tensors[name] for name in self.inputs]
        more = {"training": training} if self.told else {}
        tensors[self.output] = self.layer(given if self.listed else given[0], **more)


class _Block:
    """Steps that are run, and run again, as one."""

    def __init__(self, steps, forgets):
        self.steps = steps
        self.forgets = forgets
        made = {step.output for step in steps}
        self.needed = {name for step in steps for name in step.inputs}
        self.inputs = sorted(self.needed - made)
        self.outputs = []

    def find_outputs(self, wanted):
        self.outputs = sorted({step.output for step in self.steps} & wanted)

    def __call__(self, given, training):
        if not self.forgets:
            return self._run(given, training)
        layers = [step.layer for step in self.steps]
        fixed = [v for layer in layers for v in layer.non_trainable_variables]
        moved = [v for layer in layers for v in layer.trainable_variables]
        # Of the state of random layers there is no gradient: it is not passed along.
        seeds = [v for v in fixed if "float" not in v.dtype]
        moved += [v for v in fixed if "float" in v.dtype]
        # Copied: what TensorFlow takes for a tensor may be the variable, read later.
        states = [(v, ops.copy(v)) for v in seeds]

        def pure(*values):
            tensors, values = values[: len(given)], values[len(given) :]
            mapping = [*zip(moved, values, strict=True), *states]
            with keras.StatelessScope(state_mapping=mapping) as scope:
                found = self._run(tensors, training)
            return (*found, *(scope.get_current_value(v) for v in fixed))

        found = keras.remat(pure)(*given, *(ops.copy(v) for v in moved))
        for variable, value in zip(fixed, found[len(self.outputs) :], strict=True):
            variable.assign(value)
        return found[: len(self.outputs)]

    def _run(self, given, training):
        tensors = dict(zip(self.inputs, given, strict=True))
        for step in self.steps:
            step.run(tensors, training)
        return tuple(tensors[name] for name in self.outputs)


def _is_input(layer):
    return isinstance(layer, keras.layers.InputLayer)


def _grouped(steps):
    groups = {}
    for step in steps:
        groups.setdefault(step.block or step.layer.name, []).append(step)
    return [_Block(group, bool(group[0].block)) for group in groups.values()]


def _in_order(blocks, known):
    """The blocks, each after those whose outputs it takes."""
    ordered, waiting = [], list(blocks)
    while waiting:
        block = next(b for b in waiting if known.issuperset(b.inputs))
        waiting.remove(block)
        ordered.append(block)
        known = known | {step.output for step in block.steps}
    return ordered
