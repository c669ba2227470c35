"""Base classes of the tasks' training; each task has a module of its name."""


class TaskTraining:
    """How networks of one task are trained and measured.

    Args:
        recipe: dict, the recipe's content.
    """

    # Names of Keras metrics.
    metrics = ()
    # Whether the recipe's loss also suits data that a model is fine-tuned on.
    keeps_own_loss = False
    # Whether outputs are values that a line may bring onto targets.
    recalibrated = False

    def __init__(self, recipe):
        self.recipe = recipe

    def usual_loss(self):
        """Returns the Keras loss of a recipe that names none."""
        raise NotImplementedError


class NumberTraining(TaskTraining):
    """A task with a number, or logits, for every case: it is cross-validated."""

    def fit_ridge(self, samples, targets, penalty, subjects, weights=None):
        """Fits outputs that are linear in samples, see `medzoo.training.ridge`.

        Args:
            samples: `(samples, features)` float array.
            targets: `(samples,)` array.
            penalty: float.
            subjects: sequence, the subject of each sample.
            weights: `(samples,)` positive floats or None.

        Returns:
            `(features, outputs)` float64 coefficients and `(outputs,)` constants.
        """
        raise NotImplementedError

    def check_people(self, count, left_out):
        """Raises RecipeError if errors of so few people are too few for the interval.

        Args:
            count: int, of whom an interval is made.
            left_out: str, who is left out meanwhile, for the message.
        """

    def interval(self, targets, outputs):
        """Returns the interval of a recipe, from the outputs for held-out cases.

        Args:
            targets: `(cases,)` array.
            outputs: `(cases, outputs)` array.

        Returns:
            dict `{"coverage", "lower", "upper"}`, or None where the task has none.
        """
        return None

    def columns(self):
        """Returns the columns of a prediction in out_of_fold.csv, list of str."""
        raise NotImplementedError

    def cells(self, target, output, interval=None, widening=1.0):
        """Returns the cells of one case in `columns`, list of str.

        Args:
            target: float or int.
            output: `(outputs,)` array.
            interval: dict, see `interval`, or None.
            widening: float, what the interval is multiplied by, or logits divided by.
        """
        raise NotImplementedError

    def error_text(self, targets, outputs):
        """Returns a few words on the errors of some cases, for the log."""
        raise NotImplementedError

    def error(self, targets, outputs):
        """Returns what a search for settings makes small, a float.

        Args:
            targets: `(cases,)` array.
            outputs: `(cases, outputs)` array.
        """
        raise NotImplementedError

    def score(self, targets, outputs, widening, interval=None):
        """Returns a score of predictions and their uncertainty; the least is the best.

        Args:
            targets: `(cases,)` array.
            outputs: `(cases, outputs)` array.
            widening: `(cases,)` array, see `cells`.
            interval: dict, see `interval`, or None.
        """
        raise NotImplementedError


class ImageTraining(TaskTraining):
    """A task whose prediction is an image or a label map: it has one split."""

    # Whether a table without the cases of the recipe's split is cross-validated.
    cross_validated = True
    # Whether it predicts how far its intensities may be off.
    predicts_spread = False

    def prepare(self, cases, keeping, *, tables=None, workers=2, log):
        """Prepares the scans of all cases.

        Args:
            cases: list of `Case`.
            keeping: dict `{"mode", "folder"}`, where prepared scans are.
            tables: path of the folder with the recipe's tables of codes, or None.
            workers: int, how many scans are prepared at once.
            log: callable taking a line.
        """
        raise NotImplementedError

    def dataset(self, indices, seed):
        """Returns what `fit` trains on, of the chosen cases."""
        raise NotImplementedError

    def closed_form(self, data):
        """Returns the whole network where no epoch of training follows, else None."""
        return None

    def start(self, data, path, log):
        """Writes the weights that training begins with, where the recipe wants it.

        Args:
            data: what `dataset` gave.
            path: path ending in .weights.h5.
            log: callable taking a line.

        Returns:
            `path`, or None for fresh weights.
        """
        return None

    def measure(self, indices):
        """Returns a callable `(model, writer=None)` -> dict, the score first.

        Args:
            indices: list of int, the cases for validation; None is returned without
                any.
        """
        raise NotImplementedError

    def finish(self, model, data, measure, log):
        """Returns the network that is published, of the one that was trained."""
        return model

    def errors_and_spread(self, model, placed, preprocessor):
        """Returns errors of one scan and their predicted deviations.

        Args:
            model: Keras model, trained.
            placed: Volume, the scan as `Preprocessor.place` gives it.
            preprocessor: `Preprocessor`.

        Returns:
            Two arrays.
        """
        raise NotImplementedError
