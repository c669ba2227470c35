"""Task: what the modules of the tasks have in common."""

from functools import partial

from medzoo.errors import InputError, MedzooError, RecipeError
from medzoo.inference.exported_model import ExportedModel
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.prediction import Prediction
from medzoo.inference.settings import Settings
from medzoo.inference.standard_result import in_space, way_into
from medzoo.io.refusal import naming_file
from medzoo.preprocess import Preprocessor, on_native_grid
from medzoo.volume import Volume


class Task:
    """The way of a scan through a network, for one model.

    Args:
        recipe: dict, the recipe's content.
        load: callable without arguments that gives the Keras model, or an
            `ExportedModel`; called when the network is needed.
        settings: `Settings` or None.
        preprocessor: `Preprocessor` to share, or None to build the recipe's.

    Attributes:
        gives_images: bool, whether results are images; else they are numbers.
        gives_labels: bool, whether these are label maps.
        gives_probabilities: bool, whether results have probabilities of classes.
        uncertainties: tuple of str, the uncertainty estimates that there are.
        result: class of the results.
        answers: `SharedAnswers` of the models of one run, or None.

    Raises:
        InputError: for an uncertainty estimate that the task does not have.
    """

    gives_images = False
    gives_labels = False
    gives_probabilities = False
    uncertainties = ("interval", "tta")
    result = Prediction

    def __init__(self, recipe, load, settings=None, preprocessor=None):
        self.recipe = recipe
        self.settings = settings or Settings()
        self.answers = None
        preprocessing = recipe["preprocessing"]
        if self.settings.native:
            preprocessing = on_native_grid(preprocessing)
        self.preprocessor = preprocessor or Preprocessor(
            preprocessing, recipe["channels"]
        )
        self._load = load
        self._check_space()
        asked = self.settings.uncertainty
        if asked is not None and asked not in self.uncertainties:
            raise InputError(
                f"`uncertainty` must be None or one of {self.uncertainties} for "
                f"{recipe['task']}. Received: uncertainty={asked!r}."
            )

    @property
    def model(self):
        """The Keras model, or an `ExportedModel`."""
        return self._load()

    def normalize(self, batch):
        """Applies the recipe's layers; numpy float32 `(batch, x, y, z, channels)`."""
        # First of all: who loads it sees to it that keras is imported quietly.
        model = self.model
        own = model if isinstance(model, ExportedModel) else self.preprocessor
        return own.normalize(batch)

    def step(self, name):
        """Returns the arguments of a postprocessing step, or None."""
        return step_arguments(self.recipe, name)

    def preprocess(self, image, *, align=True):
        """Reads a scan and brings it onto the network's grid; without keras.

        Args:
            image: path, Volume, or dict of channel name -> path or Volume.
            align: bool, bring channels between which the head moved onto each other.

        Returns:
            What `place` does.

        Raises:
            MedzooError: for a scan that cannot be read or worked on.
        """
        scan = self.preprocessor.gather(image, align=align)
        try:
            return self.place(scan)
        except MedzooError as error:
            raise naming_file(error, image) from error

    def place(self, scan):
        """Brings a scan onto the network's grid.

        Args:
            scan: Volume, the channels on one grid, of `Preprocessor.gather`.

        Returns:
            Volume `(x, y, z, channel)`, whose warnings are about the input, and the
            way back: a callable that makes the fields of a `Prediction` of what
            `postprocess` gives.
        """
        placed, undo = self.preprocessor.place(scan)
        notes = (*scan.warnings, *undo.notes)
        restore = partial(self.restore, undo=undo)
        if self.settings.space is not None:
            way = way_into(self.settings.space, scan, self.preprocessor.channels)
            notes = (*notes, *way.warnings)
            restore = partial(self._restore_both, undo=undo, way=way)
        return Volume(placed.array, placed.affine, warnings=notes), restore

    def network(self, x):
        """Runs recipe layers and network on a placed Volume; returns its output."""
        raise NotImplementedError

    def postprocess(self, y):
        """Makes a result on the network's grid of what `network` gave."""
        raise NotImplementedError

    def restore(self, found, undo):
        """Brings a result into the space and units of the input.

        Args:
            found: what `postprocess` gave.
            undo: `medzoo.spatial.undo.Undo`.

        Returns:
            dict of fields of a `Prediction`.
        """
        raise NotImplementedError

    def volumes_of(self, labels, fields):
        """Returns class name -> millilitres of a label map, where there is one.

        Args:
            labels: Volume.
            fields: dict of fields of the `Prediction` that it belongs to.
        """
        raise NotImplementedError

    def _restore_both(self, found, undo, way):
        """The result in the space of the input, and in the standard space."""
        fields = self.restore(found, undo)
        standard = in_space(fields, way, self.settings.space, self.volumes_of)
        return {**fields, "standard": standard}

    def _check_space(self):
        if self.settings.space is not None and not self.gives_images:
            raise InputError(
                "A standard space is for results that are images. Received: "
                f"space={self.settings.space!r} for {self.recipe['name']}, whose task "
                f"is {self.recipe['task']}. Leave it out."
            )


def recipe_of(model):
    """Returns the recipe that a model carries, as a dict.

    Raises:
        RecipeError: if no recipe is attached.
    """
    recipe = getattr(model, "recipe", None)
    if recipe is None:
        raise RecipeError(
            "A model needs a recipe to predict on scans. Received: recipe=None. "
            "Load it with medzoo.load, or use medzoo.attach(model, recipe)."
        )
    return recipe
