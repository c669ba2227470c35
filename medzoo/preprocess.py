"""Preprocessor: a recipe's way from a Volume to the network's input, and back."""

from os import PathLike

import numpy as np

from medzoo.errors import InputError, RecipeError
from medzoo.spatial import Grid, SpatialChain, resample_to
from medzoo.spatial.align import aligned
from medzoo.spatial.background import background_level
from medzoo.volume import Volume

# Channels of one case must share at least this part of the first one's field of view.
LEAST_OVERLAP = 0.5
# What a constructor raises for arguments that it was not made for.
MADE_OF_STRANGE_ARGUMENTS = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
)


class Preprocessor:
    """Spatial steps, then layers: one object for training and for prediction.

    Args:
        preprocessing: dict `{"spatial": [steps], "layers": [layers]}` of a recipe; a
            layer is `{"class": name in medzoo.layers, "arguments": {...}}`.
        channels: list of dict `{"name": str, "required": bool}`.

    Raises:
        RecipeError: for an unknown step or layer.
    """

    def __init__(self, preprocessing, channels):
        self.channels = [c["name"] for c in channels]
        self.required = [c["name"] for c in channels if c.get("required", True)]
        self.spatial = SpatialChain(preprocessing.get("spatial", []), self.channels)
        self.layer_settings = list(preprocessing.get("layers", []))
        self._layers = None

    def __getstate__(self):
        # Layers do not travel to another process; they are built anew there.
        return {**self.__dict__, "_layers": None}

    @property
    def layers(self):
        """The normalising layers, built on first use: keras loads late."""
        if self._layers is None:
            self._layers = [make_layer(s) for s in self.layer_settings]
        return self._layers

    def __call__(self, image):
        """Prepares one case.

        Args:
            image: path, Volume, or dict of channel name -> path or Volume.

        Returns:
            `(1, x, y, z, channels)` float32 array, and the `Undo` that brings a result
            back onto the grid of the input.
        """
        volume, undo = self.place(self.gather(image))
        return self.normalize(volume.array[None]), undo

    def gather(self, image, *, align=False):
        """Returns one Volume with the recipe's channels, on the first one's grid.

        Args:
            image: path, Volume, or dict of channel name -> path or Volume.
            align: bool, find by how much the head moved between channels and undo it.
                Defaults to False: channels with a label map lie on it.

        Raises:
            InputError: for a channel that is missing, unknown, or lies elsewhere.
        """
        given = image if isinstance(image, dict) else {self.channels[0]: image}
        unknown = sorted(set(given) - set(self.channels))
        missing = sorted(set(self.required) - set(given))
        if unknown or missing or not given:
            needed = ", ".join(self.required) or "at least one of them"
            raise InputError(
                f"Channels of this model are {', '.join(self.channels)}; a case must "
                f"have {needed}. Received: channels={', '.join(sorted(given)) or None}."
            )
        volumes = {name: _as_volume(given[name], name) for name in given}
        for name, volume in volumes.items():
            _check_scalar(name, volume)
        if align:
            volumes = aligned(volumes, self.channels)
        first = next(volumes[name] for name in self.channels if name in volumes)
        if len(self.channels) == 1:
            # Steps take an axis of channels for several.
            return first.with_array(first.array.reshape(first.shape))
        parts = [_onto(first, volumes.get(name), name) for name in self.channels]
        warnings = [w for v in volumes.values() for w in v.warnings]
        return Volume(np.stack(parts, -1), first.affine, warnings=warnings)

    def place(self, volume):
        """Applies the spatial steps to a gathered Volume.

        Returns:
            Volume `(x, y, z, channel)` float32 on the network's grid, and the `Undo`,
            whose notes list what is unusual about the scan for the recipe's channels.
        """
        placed, undo = self.spatial(volume)
        array = _contiguous(placed.array)
        if array.ndim == 3:
            array = array[..., None]
        return placed.with_array(array), undo

    def normalize(self, batch):
        """Applies the layers to a batch `(batch, x, y, z, channels)`; numpy float32."""
        for layer in self.layers:
            batch = layer(batch, training=False)
        return np.asarray(batch, np.float32)


def on_native_grid(preprocessing):
    """Returns a recipe's preprocessing that leaves a little finer scans as they are.

    Args:
        preprocessing: dict, of a recipe whose step "resample" has the argument finer:
            scans that it would bring onto the network's spacing, although they are
            within the step's tolerance, stay on their own grid.

    Raises:
        InputError: for a recipe that has no such step.
    """
    steps = [
        {**step, "arguments": dict(step.get("arguments", {}))}
        for step in preprocessing.get("spatial", [])
    ]
    found = [step["arguments"].pop("finer", None) for step in steps]
    if all(finer is None for finer in found):
        raise InputError(
            "Only models that resample finer scans can work on a scan's native grid. "
            "Received: native=True. Leave it out."
        )
    return {**preprocessing, "spatial": steps}


def make_layer(settings):
    """Returns a layer of medzoo.layers from `{"class": ..., "arguments": {...}}`.

    Raises:
        RecipeError: for a class that medzoo.layers does not have, or wrong arguments.
    """
    from medzoo import layers

    check_class(settings, "A layer")
    name = settings["class"]
    if name not in layers.__all__:
        raise RecipeError(
            f"A layer must be one of medzoo.layers. Received: class={name!r}. "
            f"Use one of {layers.__all__}."
        )
    # A floatx of Keras' settings file must not round a scan.
    arguments = {"dtype": "float32", **settings.get("arguments", {})}
    try:
        return getattr(layers, name)(**arguments)
    except MADE_OF_STRANGE_ARGUMENTS as error:
        raise RecipeError(
            f"The arguments of a layer must fit it. Received: {settings}: {error}."
        ) from error


def check_class(settings, what):
    """Checks that settings are `{"class": name}`, with arguments by name or without.

    Args:
        settings: what a recipe has in the place.
        what: str, "A layer", for the message.

    Raises:
        RecipeError: if they are not.
    """
    is_object = isinstance(settings, dict) and isinstance(settings.get("class"), str)
    if not is_object or not isinstance(settings.get("arguments", {}), dict):
        raise RecipeError(
            f'{what} must be an object {{"class": name, "arguments": {{...}}}}. '
            f"Received: {settings!r}. Correct the recipe."
        )


def _contiguous(array):
    """The array as float32, the last axis fastest."""
    if array.flags.c_contiguous:
        return np.asarray(array, np.float32)
    result = np.empty(array.shape, np.float32)
    # Files hold the axes the other way round. Of a plane across the middle axis both
    # sides of the copy fit into the processor's cache: half the time of the whole.
    for index in range(array.shape[1]):
        result[:, index] = array[:, index]
    return result


def _as_volume(image, channel):
    if isinstance(image, Volume):
        _check_finite(image)
        return image
    if not isinstance(image, (str, PathLike)):
        raise InputError(
            "An image must be a path or a medzoo.Volume. Received: "
            f"{type(image).__name__}. Wrap an array: medzoo.Volume(array, affine)."
        )
    from medzoo.io import read

    return read(image, channel=channel)


def _check_finite(volume):
    if volume.array.dtype.kind != "f":
        return
    count = int(np.count_nonzero(~np.isfinite(volume.array)))
    if count:
        raise InputError(
            "The voxels of a Volume must be finite numbers. Received: not finite="
            f"{count} of {volume.array.size}. Set them to the background, as by "
            "numpy.nan_to_num."
        )


def _check_scalar(name, volume):
    if volume.num_channels != 1:
        raise InputError(
            f"Channel {name} must be a scalar image. "
            f"Received: {volume.num_channels} channels. Pass one image a channel."
        )


def _onto(first, volume, name):
    """Returns the array of `volume` on the grid of `first`; zeros where it is None."""
    if volume is None:
        return np.zeros(first.shape, np.float32)
    if volume is first:
        return np.asarray(first.array, np.float32).reshape(first.shape)
    grid = Grid.of(first)
    inside = Volume(np.ones(volume.shape, np.float32), volume.affine)
    overlap = resample_to(inside, grid, interpolation="nearest").array.mean()
    if overlap < LEAST_OVERLAP:
        raise InputError(
            f"Channel {name} must overlap the first channel by at least half. "
            f"Received: overlap={overlap:.2f}. Check that both belong to one session."
        )
    level = background_level(volume.array)
    return resample_to(volume, grid, background=level).array.reshape(first.shape)
