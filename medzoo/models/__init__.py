"""Networks as Keras functional models; no files, no weights.

Imports `medzoo.layers`; training and the zoo import it.
"""

from medzoo.models.autoencoder import ConvolutionalAutoencoder3D
from medzoo.models.dcgan import DCGAN3D
from medzoo.models.dcgan_networks import Discriminator3D, Generator3D
from medzoo.models.deepmedic import DeepMedic3D
from medzoo.models.ensemble import Ensemble3D
from medzoo.models.fcn import FCN3D
from medzoo.models.residual_unet import ResidualUNet3D
from medzoo.models.resnet import ResNet3D
from medzoo.models.super_resolution import SuperResolution3D

__all__ = [
    "DCGAN3D",
    "FCN3D",
    "ConvolutionalAutoencoder3D",
    "DeepMedic3D",
    "Discriminator3D",
    "Ensemble3D",
    "Generator3D",
    "ResNet3D",
    "ResidualUNet3D",
    "SuperResolution3D",
]
