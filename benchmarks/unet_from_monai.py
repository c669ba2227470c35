"""MONAI's UNet rebuilt in Keras, with its weights: what two libraries run alike."""

import keras
from keras import layers, ops

# Of the network that is compared: its description in MONAI's words.
CHANNELS = (16, 32, 64, 128, 256)
CLASSES = 5


def monai_unet(norm):
    """Returns MONAI's residual UNet in evaluation, its weights drawn with a seed.

    Args:
        norm: "instance" (MONAI's default) or "batch", whose statistics are drawn too.
    """
    import torch
    from monai.networks.nets import UNet

    torch.manual_seed(0)
    network = UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=CLASSES,
        channels=CHANNELS,
        strides=(2,) * (len(CHANNELS) - 1),
        num_res_units=2,
        norm=norm,
    )
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def rebuilt(network):
    """Returns the same network as a Keras model, channels last, any size."""
    inputs = keras.Input((None, None, None, 1))
    return keras.Model(inputs, _level(inputs, network.model))


@keras.saving.register_keras_serializable(package="medzoo_benchmarks")
class InstanceNormalization(keras.layers.Layer):
    """Each channel of each case to mean 0 and variance 1.

    Means are taken along the last axis and then along the others: TensorFlow adds
    numbers up in float32, and over a whole window in one sum it loses the fourth digit.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """Returns `(batch, x, y, z, channels)`."""
        centred = inputs - _mean(inputs)
        variance = _mean(ops.square(centred))
        return centred / ops.sqrt(variance + self.epsilon)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _mean(x):
    return ops.mean(ops.mean(x, 3, keepdims=True), (1, 2), keepdims=True)


def _level(x, module):
    """Way down, everything below it beside what skips it, way up."""
    if type(module).__name__ == "ResidualUnit":
        return _residual_unit(x, module)
    down, skip, up = module
    x = _level(x, down)
    x = layers.Concatenate()([x, _level(x, skip.submodule)])
    if type(up).__name__ == "Sequential":
        transposed, unit = up
        return _residual_unit(_transposed(x, transposed), unit)
    return _transposed(x, up)


def _residual_unit(x, module):
    y = x
    for convolution in module.conv:
        y = _convolution(y, convolution.conv)
        y = _normalised(y, convolution)
    if hasattr(module.residual, "weight"):
        x = _convolution(x, module.residual)
    return layers.Add()([x, y])


def _convolution(x, module):
    """As PyTorch pads: alike at both ends, also where it strides."""
    size, stride = module.kernel_size[0], module.stride[0]
    if stride > 1:
        x = layers.ZeroPadding3D(module.padding[0])(x)
    layer = layers.Conv3D(
        module.out_channels,
        size,
        strides=stride,
        padding="valid" if stride > 1 else "same",
    )
    y = layer(x)
    layer.set_weights([_kernel(module), _numbers(module.bias)])
    return y


def _transposed(x, module):
    """PyTorch leaves the first plane out, where Keras would leave the last."""
    convolution = module.conv
    layer = layers.Conv3DTranspose(
        convolution.out_channels, 3, strides=2, padding="valid"
    )
    y = layer(x)
    layer.set_weights([_kernel(convolution), _numbers(convolution.bias)])
    return _normalised(layers.Cropping3D(((1, 0),) * 3)(y), module)


def _normalised(x, module):
    """Normalisation and PReLU where a convolution has them."""
    if not hasattr(module, "adn"):
        return x
    norm = module.adn.N
    if norm.running_mean is None:
        x = InstanceNormalization(norm.eps)(x)
    else:
        layer = layers.BatchNormalization(epsilon=norm.eps)
        x = layer(x)
        names = ("weight", "bias", "running_mean", "running_var")
        layer.set_weights([_numbers(getattr(norm, name)) for name in names])
    return layers.LeakyReLU(float(module.adn.A.weight.detach()[0]))(x)


def _kernel(module):
    # (out, in, x, y, z), or (in, out, ...) of a transposed one: Keras turns both.
    return _numbers(module.weight).transpose(2, 3, 4, 1, 0)


def _numbers(tensor):
    return tensor.detach().numpy()
