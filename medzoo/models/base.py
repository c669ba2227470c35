"""Base class of the networks: arguments, recipe and `predict_volume`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from medzoo.layers.convolution_blocks import BlockStyle
from medzoo.models.rematerialization import Blocks

if TYPE_CHECKING:
    from medzoo.inference import Prediction


class Arguments:
    """Constructor arguments as one opaque object.

    Keras tracks dictionaries and lists set on a model and wraps them; a plain object
    stays as it is and out of the saved weights.
    """

    def __init__(self, values):
        self._json = json.dumps(values)

    def to_dict(self):
        """Returns a fresh, plain dictionary."""
        return json.loads(self._json)


class VolumeModel(keras.Model):
    """A functional model that stores its constructor arguments and its recipe.

    Subclasses build their graph in `__init__` and hand it over here.

    Args:
        inputs: `KerasTensor` of shape `(batch, x, y, z, channels)`.
        outputs: `KerasTensor`.
        arguments: dict of the subclass's own constructor arguments, plain JSON.
        recipe: dict or None, the content of a recipe.json.
        **kwargs: `name`, `trainable`, `dtype` of `keras.Model`.
    """

    # The name of the layer that a new head replaces; subclasses keep to it.
    head_name = "head"

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        arguments: dict[str, Any],
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        dtype = kwargs.pop("dtype", None)
        # Keras takes any keyword here and forgets it: a typing error would go unseen.
        if unknown := sorted(set(kwargs) - {"name", "trainable"}):
            raise TypeError(
                f"{type(self).__name__} takes only its own arguments. "
                f"Received: {', '.join(unknown)}. Check the spelling."
            )
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self._arguments = Arguments(arguments)
        self._recipe = Arguments(recipe)
        self._policy_name = keras.dtype_policies.get(dtype).name
        self._blocks: Blocks | None = None

    @property
    def rematerialize(self) -> bool:
        """Gradient checkpointing: whether training recomputes inner activations.

        Set it before `fit`: steps take less memory and more time, and give the same.
        It is not part of weights and configuration.

        Raises:
            medzoo.errors.InputError: on setting it, if the network has no such blocks.
        """
        return self._blocks is not None

    @rematerialize.setter
    def rematerialize(self, wanted: bool) -> None:
        self._blocks = Blocks(self) if wanted else None

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if self._blocks is not None and training:
            return self._blocks(inputs, training)
        return super().call(inputs, training=training, mask=mask)

    @property
    def recipe(self) -> dict[str, Any] | None:
        """The recipe attached to this model, a dict (a copy), or None."""
        return self._recipe.to_dict()

    @property
    def preprocessor(self) -> Any:
        """The recipe's `Preprocessor`, built afresh: file or Volume -> tensor, undo.

        Raises:
            medzoo.errors.RecipeError: if no recipe is attached.
        """
        from medzoo.inference import preprocessor_of

        return preprocessor_of(self)

    def predict_volume(
        self,
        image: Any,
        *,
        uncertainty: str | None = "interval",
        probabilities: bool = False,
        preprocessor: Any = None,
        engine: str = "keras",
        precision: str | None = None,
        native: bool = False,
        age: float | None = None,
        sex: str | None = None,
        space: str | None = None,
    ) -> "Prediction":
        """Predicts on one scan, from the file to a result in the recipe's unit.

        Args:
            image: path, `medzoo.Volume`, or dict of channel name -> path or Volume.
            uncertainty: str or None, the uncertainty estimate: "interval", the
                recipe's calibrated interval, "tta", "ensemble" or "entropy"; None for
                none. See `medzoo.inference.Settings`.
            probabilities: bool, keep those of a segmentation.
            preprocessor: `Preprocessor` to use again over many scans; None builds one.
            engine: str, the inference backend: "keras" or "openvino" (an extra).
            precision: str or None, "float32" or, with "openvino", "bfloat16".
            native: bool, a scan a little finer than the network's grid stays on its
                own, which takes longer, where the recipe would resample it.
            age: float or None, years, of the person, for centiles of volumes.
            sex: str or None, "F", "female", "M" or "male", likewise.
            space: str or None, "mni" (affine) or "mni:deformable": labels or image in
                the standard space too, as `Prediction.standard`.

        Returns:
            `medzoo.inference.Prediction`.
        """
        from medzoo.inference import predict_volume

        return predict_volume(
            self,
            image,
            uncertainty=uncertainty,
            probabilities=probabilities,
            preprocessor=preprocessor,
            engine=engine,
            precision=precision,
            native=native,
            age=age,
            sex=sex,
            space=space,
        )

    def save(
        self,
        filepath: str | Path,
        overwrite: bool = True,
        zipped: bool | None = None,
        **options: Any,
    ) -> None:
        """Saves the model with its recipe, as `keras.Model.save` does.

        Args:
            filepath: str or path, ending in .keras; or in .h5, Keras' old format, which
                keeps weights and recipe, but no optimizer: after training a warning
                says so.
            overwrite: bool, see `keras.Model.save`.
            zipped: bool or None, likewise.
            **options: likewise.

        Raises:
            medzoo.errors.InputError: for .h5 with include_optimizer=True.
        """
        if str(filepath).lower().endswith((".h5", ".hdf5")):
            from medzoo.inference.legacy_file import save_legacy

            save_legacy(self, filepath, overwrite, **options)
        else:
            super().save(filepath, overwrite=overwrite, zipped=zipped, **options)

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",  # noqa: A002
        **options: Any,
    ) -> Any:
        """Writes the network for use without Keras, as `keras.Model.export` does.

        Args:
            filepath: str or path, where to; "openvino" wants the ending .xml.
            format: str, "tf_saved_model", "onnx", "openvino" or "litert". Sizes may
                be None but for "litert": there build the model with fixed ones, as
                `medzoo.load(name, input_shape=(96, 96, 96, 1))` does. LiteRT has no
                3-D max-pooling: of `ResNet3D`, `FCN3D` and `ResidualUNet3D` a file
                comes out that needs TensorFlow's own operations to run, and
                `DeepMedic3D` is refused.
            **options: as in Keras: `verbose`, `input_signature`, ...
        """
        if format == "onnx":
            # Keras refuses a model that nobody has called yet.
            self(self.inputs[0] if len(self.inputs) == 1 else self.inputs)
        return super().export(str(filepath), format=format, **options)

    def get_config(self) -> dict[str, Any]:
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self._policy_name,
            **self._arguments.to_dict(),
            "recipe": self.recipe,
        }
        # Part of the state, like weights: a loaded model trains on as this one does.
        frozen = [place for place, layer in layers_of(self) if not layer.trainable]
        return {**config, "frozen": frozen} if frozen and self.trainable else config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        frozen = config.get("frozen", ())
        model = cls(**{key: config[key] for key in config if key != "frozen"})
        for place, layer in layers_of(model):
            if place in frozen:
                layer.trainable = False
        return model


def layers_of(model, place=""):
    """Yields the layers of a model that hold weights, and of models within it.

    Args:
        model: Keras model.
        place: str, before each name.

    Yields:
        The place, as "member_1/stem_conv", and the layer.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer, f"{place}{layer.name}/")
        elif layer.weights:
            yield f"{place}{layer.name}", layer


def plain(value):
    """Returns `value` as plain JSON: tuples as lists, Keras objects serialised."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return keras.saving.serialize_keras_object(value)


def style_of(arguments, dtype):
    """Returns the `BlockStyle` that a network's arguments describe.

    Args:
        arguments: dict, the constructor arguments of the network.
        dtype: dtype or policy of its layers, or None.
    """
    return BlockStyle(
        normalization=arguments["normalization"],
        activation=restored(arguments["activation"]),
        use_bias=arguments["use_bias"],
        dropout_rate=arguments["dropout_rate"],
        kernel_regularizer=restored(arguments["kernel_regularizer"]),
        dtype=dtype,
    )


def restored(value):
    """Returns the Keras object behind a serialised dictionary; else `value`."""
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return value
