"""Listener: callbacks for results as they become available."""


class Listener:
    """Receives results as soon as they are available; this base class ignores them.

    Attributes:
        wants_scans: bool, whether results shall hold the scans that they are of.
    """

    wants_scans = False

    def begin(self, models, cases):
        """Is called before any work.

        Args:
            models: list of `CheckedModel`.
            cases: list of `Case`, of all models.
        """

    def result(self, model, result):
        """Is called with the name of a model and a `Result`."""
