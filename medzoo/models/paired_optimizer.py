"""PairedOptimizer: two optimizers behind the interface of one."""

import keras

from medzoo.models.base import restored


@keras.saving.register_keras_serializable(package="medzoo")
class PairedOptimizer(keras.optimizers.Optimizer):
    """Updates the first variables with one optimizer and the others with another.

    A Keras model has one optimizer, whose state the training loop of every backend
    carries along. This one carries the states of both.

    Args:
        first: `keras.optimizers.Optimizer`.
        second: `keras.optimizers.Optimizer`.
        num_first: int, how many of the variables belong to `first`.
        name: str.
    """

    def __init__(self, first, second, num_first, name="paired_optimizer"):
        super().__init__(learning_rate=0.0, name=name)
        self.first = restored(first)
        self.second = restored(second)
        self.num_first = num_first

    def build(self, variables):
        if self.built:
            return
        self.first.build(variables[: self.num_first])
        self.second.build(variables[self.num_first :])
        super().build(variables)

    @property
    def variables(self):
        return [*self._variables, *self.first.variables, *self.second.variables]

    def apply(self, grads, trainable_variables=None):
        variables = list(trainable_variables or self._trainable_variables)
        self.build(variables)
        grads, split = list(grads), self.num_first
        self.first.apply(grads[:split], variables[:split])
        self.second.apply(grads[split:], variables[split:])

    @property
    def iterations(self):
        return self.first.iterations

    @property
    def learning_rate(self):
        """Learning rate of the first optimizer; setting it scales both alike."""
        return self.first.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        factor = value / float(self.first.learning_rate)
        self.second.learning_rate = factor * float(self.second.learning_rate)
        self.first.learning_rate = value

    def finalize_variable_values(self, var_list):
        self.first.finalize_variable_values(var_list[: self.num_first])
        self.second.finalize_variable_values(var_list[self.num_first :])

    def get_config(self):
        return {
            "name": self.name,
            "first": keras.saving.serialize_keras_object(self.first),
            "second": keras.saving.serialize_keras_object(self.second),
            "num_first": self.num_first,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)
