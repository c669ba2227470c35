"""The optimizer of a training: its learning rate, averages and accumulation."""

import keras
from keras import ops


def make_optimizer(settings, steps_per_epoch):
    """Returns the optimizer that the settings describe, not yet built.

    Args:
        settings: `TrainingSettings`.
        steps_per_epoch: int, batches an epoch.
    """
    number, momentum = settings.gradient_accumulation, settings.ema_momentum
    optimizer = AccumulatingAdamW(
        PerUpdate(schedule(settings, steps_per_epoch / number), number),
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.clip_norm,
        use_ema=momentum is not None,
        ema_momentum=0.99 if momentum is None else momentum,
        gradient_accumulation_steps=number if number > 1 else None,
    )
    return with_scaled_loss(optimizer, settings.dtype)


def with_scaled_loss(optimizer, dtype):
    """Returns the optimizer, wrapped for float16, whose small gradients would be 0.

    Args:
        optimizer: `keras.optimizers.Optimizer`.
        dtype: str, the policy of the network's layers.
    """
    if dtype != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def keeps_average(optimizer):
    """Whether an optimizer keeps moving averages of the weights."""
    return getattr(optimizer, "inner_optimizer", optimizer).use_ema


def take_averages(optimizer, variables):
    """Replaces the weights by the optimizer's moving averages, if it keeps any.

    Args:
        optimizer: Keras optimizer, built.
        variables: list of trainable variables, those it was built with.
    """
    if not keeps_average(optimizer):
        return
    optimizer.finalize_variable_values(variables)
    for variable in variables:
        # JAX would share the average's memory, which a prediction then gives away.
        variable.assign(ops.copy(variable))


def schedule(settings, updates_per_epoch):
    """Returns the learning rate over the updates: linear rise, cosine fall.

    Args:
        settings: `TrainingSettings`.
        updates_per_epoch: float, steps of the optimizer an epoch.
    """
    warmup = int(settings.warmup_epochs * updates_per_epoch)
    total = int(settings.epochs * updates_per_epoch)
    return keras.optimizers.schedules.CosineDecay(
        settings.learning_rate * 0.05,
        max(1, total - warmup),
        alpha=settings.final_fraction,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )


@keras.saving.register_keras_serializable(package="medzoo")
class PerUpdate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that counts updates of the weights where Keras counts batches.

    Args:
        schedule: `keras.optimizers.schedules.LearningRateSchedule` over updates.
        num_batches: int, batches an update.
    """

    def __init__(self, schedule, num_batches):
        super().__init__()
        self.schedule = schedule
        self.num_batches = num_batches

    def __call__(self, step):
        """Returns the learning rate after `step` batches."""
        return self.schedule(ops.floor_divide(step, self.num_batches))

    def get_config(self):
        """Returns the constructor's arguments."""
        inner = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": inner, "num_batches": self.num_batches}

    @classmethod
    def from_config(cls, config):
        """Makes a schedule from `get_config`."""
        inner = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(inner, config["num_batches"])


@keras.saving.register_keras_serializable(package="medzoo")
class AccumulatingAdamW(keras.optimizers.AdamW):
    """AdamW whose moving averages of the weights move once an update.

    Those of Keras move with every batch, also while gradients are only accumulated:
    the average over the last updates becomes one over a fraction of them.
    """

    def _update_model_variables_moving_average(self, trainable_variables):
        number = self.gradient_accumulation_steps
        if not (self.use_ema and number):
            super()._update_model_variables_moving_average(trainable_variables)
            return
        averages = [a for a in self._model_variables_moving_average if a is not None]
        before = [ops.copy(average) for average in averages]
        super()._update_model_variables_moving_average(trainable_variables)
        updated = ops.equal((self._iterations + 1) % number, 0)
        for average, value in zip(averages, before, strict=True):
            # As a tensor: JAX takes no variable of Keras here.
            moved = ops.convert_to_tensor(average)
            average.assign(ops.where(updated, moved, value))
