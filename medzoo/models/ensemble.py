"""Ensemble3D: the mean output of several networks of one class."""

from typing import Any

import keras

from medzoo.layers.known_contrasts import KnownContrasts
from medzoo.models.base import VolumeModel, plain
from medzoo.models.deepmedic import DeepMedic3D
from medzoo.models.fcn import FCN3D
from medzoo.models.residual_unet import ResidualUNet3D
from medzoo.models.resnet import ResNet3D
from medzoo.models.super_resolution import SuperResolution3D

# What an ensemble can be made of; a name from a recipe never reaches an import.
MEMBERS = {
    "DeepMedic3D": DeepMedic3D,
    "FCN3D": FCN3D,
    "ResNet3D": ResNet3D,
    "ResidualUNet3D": ResidualUNet3D,
    "SuperResolution3D": SuperResolution3D,
}

KNOWN_NAME = "known_contrasts"


@keras.saving.register_keras_serializable(package="medzoo")
class Ensemble3D(VolumeModel):
    """Averages the outputs of networks of equal architecture.

    The members are trained apart, for instance one a fold of a cross-validation.
    Trained together, with `fit`, their mean is what the loss sees.

    Args:
        member: dict `{"class": "ResNet3D", "arguments": {...}}`, of a network with
            one output.
        num_members: int. Defaults to 5.
        known_contrasts: dict, arguments of `KnownContrasts`, which then comes before
            the members and tells scans that are unlike those of training; or None.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        That of a member.

    Output shape:
        That of a member: the mean over members (of logits, or in the target's unit).

    Example:
        >>> member = {"class": "ResNet3D", "arguments": {"num_classes": 1}}
        >>> model = Ensemble3D(member, num_members=3)
    """

    def __init__(
        self,
        member: dict[str, Any],
        num_members: int = 5,
        known_contrasts: dict[str, Any] | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if member.get("class") not in MEMBERS or num_members < 1:
            raise ValueError(
                f"An ensemble has at least one member of a class in {sorted(MEMBERS)}. "
                f"Received: member={member}, num_members={num_members}."
            )
        member_class = MEMBERS[member["class"]]
        settings = {"dtype": kwargs.get("dtype"), **member["arguments"]}
        members = [
            member_class(**settings, name=f"member_{number + 1}")
            for number in range(num_members)
        ]
        if len(members[0].outputs) > 1:
            raise ValueError(
                "The members of an ensemble have one output. "
                f"Received: member={member}, with {len(members[0].outputs)} outputs."
            )
        inputs = keras.Input(members[0].input_shape[1:], dtype="float32", name="images")
        x = inputs
        if known_contrasts is not None:
            x = KnownContrasts(**known_contrasts, dtype="float32", name=KNOWN_NAME)(x)
        outputs = [m(x) for m in members]
        if num_members > 1:
            output = keras.layers.Average(dtype="float32", name="mean")(outputs)
        else:
            output = outputs[0]
        arguments = {
            "member": member,
            "num_members": num_members,
            "known_contrasts": known_contrasts,
        }
        super().__init__(inputs, output, plain(arguments), recipe, **kwargs)

    @property
    def members(self) -> Any:
        """The member networks, in order, a tuple."""
        return tuple(m for m in self.layers if isinstance(m, VolumeModel))

    def contrast_distances(self, x: Any) -> Any:
        """Returns the distance of volumes from each contrast of training.

        Args:
            x: `(batch, x, y, z, channels)` array, as the network takes it.

        Returns:
            `(batch, contrasts)` float64, see `KnownContrasts`; None without such a
            layer.
        """
        if self.get_config()["known_contrasts"] is None:
            return None
        layer = self.get_layer(KNOWN_NAME)
        return layer.distances(layer.describe(x))
