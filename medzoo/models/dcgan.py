"""DCGAN3D: generator and discriminator trained against each other by `fit`."""

from typing import Any

import keras
from keras import ops

from medzoo.models.base import Arguments, plain, restored
from medzoo.models.dcgan_networks import Discriminator3D, Generator3D
from medzoo.models.paired_optimizer import PairedOptimizer

LOSSES = ("least_squares", "cross_entropy")


@keras.saving.register_keras_serializable(package="medzoo")
class DCGAN3D(keras.Model):
    """Generative adversarial network: generates volumes like those of training.

    A step draws one noise vector a volume of the batch, judges real and made volumes,
    and updates both networks from one pass: the discriminator towards 1 for real and
    0 for made ones, the generator towards a judgement of 1. Gradients of either loss
    reach the variables of its own network alone. Real and made volumes are normalised
    as batches of their own; `generate` uses the moving averages. It trains by plain
    `fit` on every backend of Keras; the logs hold `discriminator_loss` and
    `generator_loss`.

    Args:
        generator: dict of arguments of `Generator3D`, a `keras.Model` that maps
            `(batch, latent_dim)` to volumes, or None for the defaults.
        discriminator: dict of arguments of `Discriminator3D`, a `keras.Model` that
            maps volumes to `(batch, 1)` logits, or None for the defaults.
        adversarial_loss: str, "least_squares" (the default) or "cross_entropy".
        seed: int or None, of the noise.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`: real volumes, in the range of the generator's
        output activation, by default [-1, 1].

    Output shape:
        dict of `(batch, 1)` logits: "real", "made", and "judged", which is "made" as
        the generator's loss sees it.

    Raises:
        ValueError: if the generator's volumes do not fit the discriminator.

    Example:
        >>> gan = DCGAN3D(seed=0)
        >>> gan.compile()
        >>> gan.fit(images, epochs=10)
        >>> made = gan.generate(8)

    Source:
        Radford et al., "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks" (2016); Mao et al., "Least Squares Generative
        Adversarial Networks" (2017), equation 2 with a = 0, b = c = 1.
    """

    def __init__(
        self,
        generator: dict[str, Any] | None = None,
        discriminator: dict[str, Any] | None = None,
        adversarial_loss: str = "least_squares",
        seed: int | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if adversarial_loss not in LOSSES:
            raise ValueError(
                f"`adversarial_loss` must be one of {LOSSES}. "
                f"Received: adversarial_loss={adversarial_loss!r}."
            )
        self._arguments = Arguments(
            {
                "generator": plain(generator),
                "discriminator": plain(discriminator),
                "adversarial_loss": adversarial_loss,
                "seed": seed,
            }
        )
        self._recipe = Arguments(recipe)
        dtype = kwargs.get("dtype")
        self.generator = _network(generator, Generator3D, dtype)
        self.discriminator = _network(discriminator, Discriminator3D, dtype)
        made, judged = self.generator.output_shape, self.discriminator.input_shape
        if made[1:] != judged[1:]:
            raise ValueError(
                "The generator must make what the discriminator takes. "
                f"Received: generator.output_shape={made}, "
                f"discriminator.input_shape={judged}."
            )
        self.adversarial_loss = adversarial_loss
        self.noise = keras.random.SeedGenerator(seed)
        self.discriminator_loss = keras.metrics.Mean(name="discriminator_loss")
        self.generator_loss = keras.metrics.Mean(name="generator_loss")
        self.built = True

    @property
    def recipe(self) -> Any:
        """The recipe attached to this model, a dict (a copy), or None."""
        return self._recipe.to_dict()

    def compile(
        self,
        generator_optimizer: str | None = None,
        discriminator_optimizer: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            generator_optimizer: str or `keras.optimizers.Optimizer`. Defaults to
                Adam with learning rate 2e-4 and `beta_1=0.5`.
            discriminator_optimizer: likewise, an object of its own.
            **kwargs: `run_eagerly`, `jit_compile`, `steps_per_execution`,
                `auto_scale_loss` of `keras.Model.compile`.
        """
        if (
            generator_optimizer is discriminator_optimizer is not None
            and not isinstance(generator_optimizer, str)
        ):
            raise ValueError(
                "Each network needs an optimizer of its own. "
                f"Received: the same {generator_optimizer} for both."
            )
        optimizer = PairedOptimizer(
            _optimizer(generator_optimizer),
            _optimizer(discriminator_optimizer),
            len(self.generator.trainable_variables),
        )
        super().compile(optimizer=optimizer, **kwargs)

    def compile_from_config(self, config: Any) -> None:
        config = keras.saving.deserialize_keras_object(config)
        paired = config.pop("optimizer")
        for key in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            config.pop(key, None)
        self.compile(paired.first, paired.second, **config)
        self.optimizer.build(self.trainable_variables)

    def call(self, images: Any, training: bool | None = None) -> Any:
        count = ops.shape(images)[0]
        made = self.generator(self._noise(count), training=training)
        # A discriminator held fast, so that the generator's loss moves the generator.
        held = [
            ops.stop_gradient(v.value) for v in self.discriminator.trainable_variables
        ]
        state = [v.value for v in self.discriminator.non_trainable_variables]
        judged, _ = self.discriminator.stateless_call(
            held, state, made, training=training
        )
        return {
            "real": self.discriminator(images, training=training),
            "made": self.discriminator(ops.stop_gradient(made), training=training),
            "judged": judged,
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool | None = True,
    ) -> Any:
        real, made = (
            self._distance(y_pred["real"], 1),
            self._distance(y_pred["made"], 0),
        )
        discriminator_loss = (real + made) / 2
        generator_loss = self._distance(y_pred["judged"], 1)
        self.discriminator_loss.update_state(discriminator_loss)
        self.generator_loss.update_state(generator_loss)
        return sum(self.losses, start=discriminator_loss + generator_loss)

    def generate(self, count: int, seed: int | None = None) -> Any:
        """Generates volumes.

        Args:
            count: int, how many.
            seed: int, `keras.random.SeedGenerator`, or None for the model's own.

        Returns:
            Tensor of shape `(count, x, y, z, channels)`, float32.
        """
        return self.generator(self._noise(count, seed), training=False)

    def _noise(self, count, seed=None):
        shape = (count, self.generator.input_shape[-1])
        return keras.random.normal(shape, seed=self.noise if seed is None else seed)

    def _distance(self, logits, target):
        logits = ops.cast(logits, "float32")
        if self.adversarial_loss == "least_squares":
            return ops.mean(ops.square(logits - target))
        # -log(sigmoid) of the logit, or of its negative for the target 0.
        return ops.mean(ops.softplus(-logits if target else logits))

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy.name,
            **self._arguments.to_dict(),
            "recipe": self.recipe,
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        return cls(**config)


def _network(description, network, dtype):
    description = restored(description)
    if isinstance(description, keras.Model):
        return description
    return network(**{"dtype": dtype, **(description or {})})


def _optimizer(optimizer):
    if optimizer is None:
        return keras.optimizers.Adam(2e-4, beta_1=0.5)
    return keras.optimizers.get(optimizer)
