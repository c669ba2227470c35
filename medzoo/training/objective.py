"""Loss and metrics of a recipe; compiling for fine-tuning."""

import keras

from medzoo.data.cases.case_sources import unions_of
from medzoo.training.optimizer import with_scaled_loss
from medzoo.training.settings import TrainingSettings, loss_from_settings
from medzoo.training.tasks import TASKS


def make_loss(recipe):
    """Returns the Keras loss of a recipe: its own, or the task's usual one."""
    given = TrainingSettings.from_recipe(recipe).loss
    if given is not None:
        return loss_from_settings(given)
    return TASKS[recipe["task"]](recipe).usual_loss()


def make_metrics(recipe):
    """Returns the names of the Keras metrics of a recipe's task."""
    return list(TASKS[recipe["task"]].metrics)


def compile_for_fine_tuning(model):
    """Compiles a model that carries a recipe, so that `fit` works at once.

    A small step, because trained weights are to be kept; compile again for another.
    """
    recipe = model.recipe
    settings = TrainingSettings.from_recipe(recipe)
    # Labels that stand for several classes have a meaning for their own loss alone.
    own = TASKS[recipe["task"]].keeps_own_loss or unions_of(recipe["training"])
    loss = settings.loss if own else None
    section = {**recipe.get("training", {}), "loss": loss}
    optimizer = keras.optimizers.AdamW(
        settings.fine_tuning_rate, weight_decay=settings.weight_decay
    )
    model.compile(
        optimizer=with_scaled_loss(optimizer, model.get_config()["dtype"]),
        loss=make_loss({**recipe, "training": section}),
        metrics=make_metrics(recipe),
    )
