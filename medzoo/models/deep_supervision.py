"""Deep supervision: one loss on several outputs."""

import keras


class DeepSupervision:
    """Mixin of models whose outputs may be a list, each compared with the same target.

    Keras wants one target and one loss an output; here one serves all of them. With a
    single output everything is as in `keras.Model`.
    """

    @property
    def deep_supervision(self):
        """Whether the model has several outputs; the first is its prediction."""
        return self._arguments.to_dict()["deep_supervision"]

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        **kwargs,
    ):
        """Configures training as `keras.Model.compile` does.

        Args:
            optimizer: as in Keras.
            loss: one loss for all outputs, a list with one an output, or a dict of
                output name -> loss.
            loss_weights: None, or with `deep_supervision` one float an output, as a
                list or dict.
            metrics: as in Keras, of the first output alone.
            weighted_metrics: likewise.
            **kwargs: as in Keras.
        """
        if self.deep_supervision:
            loss = None if loss is None else self._for_each_output(loss)
            if isinstance(loss_weights, dict):
                loss_weights = self._for_each_output(loss_weights)
            metrics = self._of_first_output(metrics)
            weighted_metrics = self._of_first_output(weighted_metrics)
        super().compile(
            optimizer, loss, loss_weights, metrics, weighted_metrics, **kwargs
        )

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
            y_pred = y_pred[0]
            y = self._for_each_output(y)[0]
            sample_weight = self._for_each_output(sample_weight)[0]
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def _for_each_output(self, value):
        if isinstance(value, dict):
            return [value[name] for name in self.output_names]
        if isinstance(value, (list, tuple)):
            return list(value)
        return [value] * len(self.outputs)

    def _of_first_output(self, metrics):
        if isinstance(metrics, dict):
            metrics = metrics.get(self.output_names[0])
            return (
                metrics if metrics is None or isinstance(metrics, list) else [metrics]
            )
        nested = isinstance(metrics, (list, tuple)) and any(
            m is None or isinstance(m, (list, tuple)) for m in metrics
        )
        return metrics[0] if nested else metrics
