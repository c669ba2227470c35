"""Training on several outputs that all answer the same question."""

import keras


class DeepSupervision:
    """Mixin of models whose outputs may be a list, each compared with the same target.

    Keras wants one target and one loss an output; here one serves all of them. With a
    single output everything is as in `keras.Model`.
    """

    @property
    def deep_supervision(self):
        """Whether the model gives a list of outputs; the first is its answer."""
        return self._arguments.to_dict()["deep_supervision"]

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **kwargs):
        """Configures training as `keras.Model.compile` does.

        Args:
            optimizer: as in Keras.
            loss: one loss for all outputs, or a list with one an output.
            loss_weights: None, or with `deep_supervision` a list of floats, one an
                output.
            **kwargs: as in Keras; `metrics` look at the first output alone.
        """
        if self.deep_supervision and loss is not None:
            loss = self._for_each_output(loss)
        super().compile(optimizer, loss=loss, loss_weights=loss_weights, **kwargs)

    def compile_from_config(self, config):
        # Keras leaves a model whose `compile` is its own uncompiled.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if self.deep_supervision:
            y = self._for_each_output(y)
            if sample_weight is not None:
                sample_weight = self._for_each_output(sample_weight)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if self.deep_supervision:
            y, y_pred, sample_weight = _first(y), _first(y_pred), _first(sample_weight)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def _for_each_output(self, value):
        if isinstance(value, (list, tuple)):
            return list(value)
        return [value] * len(self.outputs)


def _first(value):
    return value[0] if isinstance(value, (list, tuple)) else value
