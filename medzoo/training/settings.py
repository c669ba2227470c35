"""TrainingSettings: the training section of a recipe, checked."""

from dataclasses import dataclass, field, fields

import keras

from medzoo import losses
from medzoo.errors import InputError, RecipeError
from medzoo.preprocess import check_class
from medzoo.training.precision import PRECISIONS

SPLIT = {"num_folds": 5, "seed": 42}
MOST_STEPS = 10_000_000
# Numbers of a training -> the lowest and highest that mean something.
BOUNDS = {
    "epochs": (1, MOST_STEPS),
    "batch_size": (1, 65_536),
    "learning_rate": (1e-12, 100),
    "warmup_epochs": (0, MOST_STEPS),
    "final_fraction": (0, 1),
    "weight_decay": (0, 100),
    "gradient_accumulation": (1, 65_536),
    "seed": (0, 2**32 - 1),
    "fine_tuning_rate": (1e-12, 100),
    "steps_per_epoch": (1, MOST_STEPS),
    "clip_norm": (1e-9, 1e9),
    "ema_momentum": (0, 1 - 1e-9),
    "validate_every": (1, MOST_STEPS),
    "patience": (1, MOST_STEPS),
}
LARGEST_PATCH = 1024


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained. The recipe's training section has these keys.

    Args:
        epochs: int.
        batch_size: int.
        learning_rate: float, the highest; it rises linearly to it over
            `warmup_epochs`, then falls along a cosine to `final_fraction` of it.
        warmup_epochs: float.
        final_fraction: float.
        weight_decay: float, of AdamW.
        loss: dict `{"class": name in keras.losses or medzoo.losses, "arguments":
            {...}}`, in the target's unit; None for the task's usual one.
        dtype: str, Keras dtype policy while training: "float32", "mixed_bfloat16" or
            "mixed_float16" (its loss is scaled so that gradients do not vanish).
        gradient_accumulation: int, batches whose gradients are averaged for one step of
            the optimizer: the step of a batch as many times larger (but for batch
            normalisation, which sees the small ones) in the memory of one.
        rematerialize: bool, whether training keeps only what passes between blocks of
            the network and computes the rest again for the gradient: less memory, the
            same results, more time. ResNet3D, FCN3D and ResidualUNet3D.
        seed: int, of weights, order and augmentation.
        split: dict `{"num_folds", "seed"}` of a cross-validation, or `{"validation":
            [case_id, ...]}`: those cases are for validation, the others for training.
        views: list of dict, see `medzoo.data.cases.training_views.View`.
        balance: dict `{"columns", "exponent"}` or None: draws cases of rare kinds more
            often, see `medzoo.data.cases.balance.case_weights`.
        readout: dict `{"share", "penalty"}` or None, see
            `medzoo.training.readout.add_readout`.
        fine_tuning_rate: float, learning rate of the optimizer that `medzoo.load`
            compiles the model with.
        steps_per_epoch: int or None, batches an epoch where patches are drawn at
            random; None for every case once.
        clip_norm: float or None, largest norm of all gradients together.
        ema_momentum: float or None, momentum of a moving average over the weights that
            the trained network ends up with; None for the last weights.
        validate_every: int, epochs from one validation to the next, where there is a
            fixed validation split.
        patience: int or None, epochs without a better validation after which training
            stops; None never stops early.
        patch_size: list of three ints or None, voxels of the network's input grid.
        augmentation: list of layer settings, for tasks on patches and images.
        options: dict, what the task's own data set takes besides (see
            `medzoo.data`): degradation, sources, rates.
    """

    epochs: int = 50
    batch_size: int = 4
    learning_rate: float = 1e-3
    warmup_epochs: float = 2.0
    final_fraction: float = 0.005
    weight_decay: float = 1e-3
    loss: dict | None = None
    dtype: str = "float32"
    gradient_accumulation: int = 1
    rematerialize: bool = False
    seed: int = 0
    split: dict = field(default_factory=lambda: dict(SPLIT))
    views: list = field(default_factory=list)
    balance: dict | None = None
    readout: dict | None = None
    fine_tuning_rate: float = 1e-4
    steps_per_epoch: int | None = None
    clip_norm: float | None = None
    ema_momentum: float | None = None
    validate_every: int = 1
    patience: int | None = None
    patch_size: list | None = None
    augmentation: list = field(default_factory=list)
    options: dict = field(default_factory=dict)

    @classmethod
    def from_recipe(cls, recipe):
        """Reads the training section of a recipe (dict).

        Raises:
            RecipeError: for keys that are not settings, or values of a wrong type.
        """
        section = recipe.get("training", {})
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(section) - set(known))
        if unknown:
            raise RecipeError(
                f"The training section of a recipe takes {known}. "
                f"Received: {unknown} in {recipe['name']}. Remove them."
            )
        for known_field in fields(cls):
            _check_kind(known_field, section, recipe.get("name", "a recipe"))
        settings = cls(**section)
        settings._check_numbers(recipe.get("name", "a recipe"))
        return settings

    def _check_numbers(self, name):
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            if value is not None and not low <= value <= high:
                raise RecipeError(
                    f"{key} of the training of {name} must be from {low:g} to "
                    f"{high:g}. Received: {key}={value!r}. Correct the recipe."
                )
        if self.dtype not in PRECISIONS:
            raise RecipeError(
                f"dtype of the training of {name} must be one of {PRECISIONS}. "
                f"Received: dtype={self.dtype!r}. Correct the recipe."
            )
        size = [1, 1, 1] if self.patch_size is None else self.patch_size
        whole = all(type(n) is int and 1 <= n <= LARGEST_PATCH for n in size)
        if not whole or len(size) != 3:
            raise RecipeError(
                f"patch_size of the training of {name} must be three whole numbers "
                f"from 1 to {LARGEST_PATCH}. Received: patch_size={size}. Correct the "
                "recipe."
            )


def _check_kind(setting, section, name):
    """Checks that a value is of the kind that the setting is declared as."""
    if setting.name not in section:
        return
    value = section[setting.name]
    # bool is an int to Python, and an int will do for a float.
    kinds = {"float": (int, float), "int": (int,), "None": (type(None),)}
    kinds |= {"bool": (bool,), "dict": (dict,), "list": (list,), "str": (str,)}
    declared = getattr(setting.type, "__name__", str(setting.type))
    allowed = [
        k for word in str(declared).split(" | ") for k in kinds.get(word, (object,))
    ]
    wrong_bool = isinstance(value, bool) and bool not in allowed
    if wrong_bool or not isinstance(value, tuple(allowed)):
        raise RecipeError(
            f"A setting of the training of {name} must be of its kind ({declared}). "
            f"Received: {setting.name}={value!r}. Correct the recipe."
        )


def for_fine_tuning(recipe):
    """Returns the recipe with its `fine_tuning_rate` as the learning rate."""
    rate = TrainingSettings.from_recipe(recipe).fine_tuning_rate
    return {**recipe, "training": {**recipe["training"], "learning_rate": rate}}


def with_step(recipe, *, precision=None, accumulate=None, rematerialize=None):
    """Returns the recipe with other settings of the training step.

    Args:
        recipe: dict, the recipe's content.
        precision: str or None, instead of the recipe's `dtype`.
        accumulate: int or None, instead of its `gradient_accumulation`.
        rematerialize: bool or None, instead of its `rematerialize`.

    Raises:
        InputError: for an unknown precision, or `accumulate` below 1.
    """
    if precision is not None and precision not in PRECISIONS:
        raise InputError(
            f"`precision` must be one of {PRECISIONS}. "
            f"Received: precision={precision!r}."
        )
    if accumulate is not None and not (isinstance(accumulate, int) and accumulate >= 1):
        raise InputError(
            "`accumulate` must be a whole number of at least 1. "
            f"Received: accumulate={accumulate!r}."
        )
    wanted = {
        "dtype": precision,
        "gradient_accumulation": accumulate,
        "rematerialize": rematerialize,
    }
    given = {key: value for key, value in wanted.items() if value is not None}
    return {**recipe, "training": {**recipe["training"], **given}} if given else recipe


def loss_from_settings(settings):
    """Returns a loss from `{"class": ..., "arguments": {...}}`, plain JSON.

    Classes of medzoo.losses come before those of keras.losses; an argument `loss` that
    is such a dict is a loss too.

    Raises:
        RecipeError: for a class that neither has.
    """
    check_class(settings, "A loss")
    name = settings["class"]
    loss = getattr(losses, name, None) or getattr(keras.losses, name, None)
    if not (isinstance(loss, type) and issubclass(loss, keras.losses.Loss)):
        raise RecipeError(
            "A loss must be a class of medzoo.losses or keras.losses. "
            f"Received: class={name!r}."
        )
    arguments = dict(settings.get("arguments", {}))
    if isinstance(arguments.get("loss"), dict):
        arguments["loss"] = loss_from_settings(arguments["loss"])
    try:
        return loss(**arguments)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise RecipeError(
            f"The arguments of a loss must fit it. Received: {settings}: {error}. "
            "Correct the recipe."
        ) from error
