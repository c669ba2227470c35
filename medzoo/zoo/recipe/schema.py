"""The schema of recipe.json: what a zoo model is, as data that is checked strictly."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

from medzoo.errors import RecipeError
from medzoo.zoo.recipe.hub_address import HUB_FILE
from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.layer_schema import check_layer
from medzoo.zoo.recipe.step_schema import (
    POSTPROCESSING,
    SPATIAL,
    check_network,
    check_step,
    refuse_serialised,
)
from medzoo.zoo.recipe.strict_json import plain_object, read_json_object
from medzoo.zoo.recipe.tasks import TASKS
from medzoo.zoo.recipe.training_schema import check_training

# Names alone, for a recipe is read before keras is; the classes stand in
# medzoo.models.from_recipe, and a test keeps both equal.
ALLOWED_ARCHITECTURES = (
    "ConvolutionalAutoencoder3D",
    "DCGAN3D",
    "DeepMedic3D",
    "Discriminator3D",
    "Ensemble3D",
    "FCN3D",
    "Generator3D",
    "ResNet3D",
    "ResidualUNet3D",
    "SuperResolution3D",
)
RECIPE_FILE = "recipe.json"

_OPTIONAL = ("unit", "class_names", "base_model")
_NUMBER_LIMIT = 1_000_000  # no filter, size or unit count comes near it
_MOST_STEPS = 64
_BYTES_LIMIT = 2**30  # of a weights file
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+() -]{0,127}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_HTTPS = re.compile(r"https://[^\s/]+\S*")
_PLACE = re.compile(rf"{_HTTPS.pattern}|{HUB_FILE}")


@dataclass(frozen=True)
class Recipe:
    """One zoo model, as described by its recipe.json.

    The parts below the top level stay plain JSON (dicts and lists): they are handed
    on to constructors and to Keras as they stand. `from_dict` is the only checked way
    to make one.

    Attributes:
        schema: Version of this schema, 1.
        name: Name in the zoo, `[a-z0-9_]{1,64}`.
        version: Dotted numbers, as "1.0".
        summary: One line.
        task: One of `medzoo.zoo.recipe.tasks.TASKS`.
        architecture: `{"class": str, "arguments": dict}`.
        channels: List of `{"name": str, "required": bool}`.
        target: `{"column": str, "values", "label_map", "codes"}`, or None.
        preprocessing: `{"spatial": [step], "layers": [layer]}`.
        postprocessing: List of `{"step": str, "arguments": dict}`.
        unit: Unit of a regression's value, or None.
        class_names: Names of the classes, background included, or None.
        weights: `{"file", "sha256", "bytes", "urls"}`, or None while in development.
        training: Settings, see `medzoo.training.settings.TrainingSettings`.
        data: List of `{"name", "cases", "licence", "url", "role"}`.
        licence: SPDX expression of the weights.
        citation: What to cite.
        intended_use: What the model is for.
        limits: What it must not be used for, and where it fails.
        base_model: `{"name", "version", "sha256"}` of the model that this one was
            fine-tuned from (sha256 of its weights, or absent), or None.
    """

    schema: int
    name: str
    version: str
    summary: str
    task: str
    architecture: dict
    channels: list
    target: dict | None
    preprocessing: dict
    postprocessing: list
    unit: str | None
    class_names: list | None
    weights: dict | None
    training: dict
    data: list
    licence: str
    citation: str
    intended_use: str
    limits: list
    base_model: dict | None = None

    @classmethod
    def from_dict(cls, content: dict, source: str = "recipe") -> "Recipe":
        """Checks plain JSON and makes a recipe of it.

        Args:
            content: The object that recipe.json holds.
            source: What an error names: the file, or where the object came from.

        Returns:
            The recipe, which shares nothing with `content`.

        Raises:
            RecipeError: A key is unknown or absent, or a value breaks its rule.
        """
        content = plain_object(content, str(source), RecipeError)
        section = Section(content, str(source), "")
        section.keys(
            required=tuple(
                field.name for field in fields(cls) if field.name not in _OPTIONAL
            ),
            optional=_OPTIONAL,
        )
        _check_identity(section)
        _check_network(section)
        _check_meaning(section)
        _check_target(section)
        _check_weights(section)
        _check_origin(section)
        refuse_serialised(section.inner("training"))
        check_training(section)
        return cls(**{**dict.fromkeys(_OPTIONAL), **content})

    def to_dict(self) -> dict:
        """Gives plain JSON from which `from_dict` makes an equal recipe."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in _OPTIONAL:
            if content[name] is None:
                del content[name]
        return plain_object(content, self.name, RecipeError)


def read_recipe(folder: str | Path) -> Recipe:
    """Reads and checks the recipe.json of a model folder.

    Raises:
        MissingFileError: There is no recipe.json.
        RecipeError: It breaks the schema.
    """
    path = Path(folder) / RECIPE_FILE
    return Recipe.from_dict(read_json_object(path, RecipeError), source=str(path))


def _check_identity(recipe: Section) -> None:
    if type(recipe.content["schema"]) is not int or recipe.content["schema"] != 1:
        value = recipe.content["schema"]
        raise recipe.fault("must be 1", "schema", value, "Update medzoo.")
    recipe.text("name", _NAME)
    recipe.text("version", _VERSION)
    recipe.text("summary", one_line=True)
    recipe.choice("task", tuple(TASKS))


def _check_network(recipe: Section) -> None:
    architecture = recipe.inner("architecture")
    architecture.keys(required=("class", "arguments"))
    architecture.choice("class", ALLOWED_ARCHITECTURES)
    arguments = _check_arguments(architecture)
    _refuse_absurd_numbers(arguments, arguments.content, "")
    check_network(arguments, ALLOWED_ARCHITECTURES)
    preprocessing = recipe.inner("preprocessing")
    preprocessing.keys(required=("spatial", "layers"))
    for kind, sections in (
        ("step", preprocessing.each("spatial")),
        ("class", preprocessing.each("layers")),
        ("step", recipe.each("postprocessing")),
    ):
        if len(sections) > _MOST_STEPS:
            rule = f"must have at most {_MOST_STEPS} steps or layers"
            raise sections[0].fault(rule, "", len(sections), "Leave some out.")
        for section in sections:
            section.keys(required=(kind, "arguments"))
            section.text(kind, _IDENTIFIER)
            _refuse_absurd_numbers(section, _check_arguments(section).content, "")
            refuse_serialised(section)
    for section in preprocessing.each("layers"):
        check_layer(section)
    for section in preprocessing.each("spatial"):
        check_step(section, SPATIAL)
    _check_postprocessing(recipe)


def _check_postprocessing(recipe: Section) -> None:
    seen = set()
    for section in recipe.each("postprocessing"):
        check_step(section, POSTPROCESSING)
        # The first would count, and the second be ignored unseen.
        name = section.content["step"]
        if name in seen:
            raise section.fault("must stand once", "step", name, "Leave one out.")
        seen.add(name)
    for section in recipe.each("postprocessing"):
        weighting = section.inner("arguments").content.get("weighting")
        if weighting == "nearest" and "mirror" in seen:
            # Windows side by side keep classes, and no mean is taken of these.
            rule = "must not be nearest beside the step mirror"
            raise section.fault(rule, "weighting", weighting, "Leave one out.")


def _check_arguments(section: Section) -> Section:
    arguments = section.inner("arguments")
    for key in arguments.content:
        if not _IDENTIFIER.fullmatch(key):
            rule = "has a key that is no argument name"
            raise arguments.fault(rule, "", key, "Use Python names.")
    return arguments


def _refuse_absurd_numbers(section: Section, value: object, key: str) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_absurd_numbers(section, item, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_absurd_numbers(section, item, f"{key}[{number}]")
    elif isinstance(value, int | float) and abs(value) > _NUMBER_LIMIT:
        rule = f"must be within {-_NUMBER_LIMIT} and {_NUMBER_LIMIT}"
        raise section.fault(rule, key, value, "Correct the number.")


def _check_meaning(recipe: Section) -> None:
    task = recipe.content["task"]
    rules = TASKS[task]
    names = [channel.text("name", _NAME) for channel in _channels(recipe)]
    if len(set(names)) != len(names):
        raise recipe.fault("must differ", "channels", names, "Rename one.")
    for key, needed in (
        ("unit", rules.has_unit),
        ("class_names", rules.has_classes),
    ):
        value = recipe.content.get(key)
        if needed and value is None:
            raise recipe.fault(f"is needed for {task}", key, value, "Give it.")
        if not needed and value is not None:
            raise recipe.fault(f"has no meaning for {task}", key, value, "Remove it.")
    if rules.has_unit:
        recipe.text("unit", one_line=True)
    if rules.has_classes:
        classes = recipe.texts("class_names", least=2)
        if len(set(classes)) != len(classes):
            raise recipe.fault("must differ", "class_names", classes, "Rename one.")


def _channels(recipe: Section) -> list[Section]:
    channels = recipe.each("channels", least=1)
    for channel in channels:
        channel.keys(required=("name", "required"))
        channel.boolean("required")
    return channels


def _check_target(recipe: Section) -> None:
    task = recipe.content["task"]
    if recipe.content["target"] is None:
        if TASKS[task].needs_target:
            raise recipe.fault(f"is needed for {task}", "target", None, "Give it.")
        return
    target = recipe.inner("target")
    target.keys(required=("column",), optional=("values", "label_map", "codes"))
    target.text("column", one_line=True)
    if "label_map" in target.content:
        target.boolean("label_map")
    if "codes" in target.content:
        target.text("codes", _FILE_NAME)
    if "values" in target.content:
        values = target.inner("values")
        for key in values.content:
            values.text(key)
            if TASKS[task].classes_in_table:
                values.choice(key, tuple(recipe.content["class_names"]))


def _check_weights(recipe: Section) -> None:
    if recipe.content["weights"] is None:
        return
    weights = recipe.inner("weights")
    weights.keys(required=("file", "sha256", "bytes", "urls"))
    # Keras picks its loader by this suffix; every other one can run foreign code.
    if not weights.text("file", _FILE_NAME).endswith(".weights.h5"):
        value = weights.content["file"]
        raise weights.fault("must end in .weights.h5", "file", value, "Rename it.")
    weights.text("sha256", _SHA256)
    weights.integer("bytes", 1, _BYTES_LIMIT)
    weights.texts("urls", pattern=_PLACE)


def _check_origin(recipe: Section) -> None:
    for data in recipe.each("data"):
        data.keys(required=("name", "cases", "licence", "role"), optional=("url",))
        data.integer("cases", 0, 10_000_000)
        data.text("name", one_line=True)
        data.text("licence", one_line=True)
        data.text("role", one_line=True)
        if "url" in data.content:
            data.text("url", _HTTPS)
    recipe.text("licence", _SPDX)
    recipe.text("citation")
    recipe.text("intended_use")
    recipe.texts("limits", least=1)
    if recipe.content.get("base_model") is not None:
        base = recipe.inner("base_model")
        base.keys(required=("name", "version"), optional=("sha256",))
        base.text("name", _NAME)
        base.text("version", _VERSION)
        if "sha256" in base.content:
            base.text("sha256", _SHA256)
