"""The tasks of the zoo: required keys of their recipes, and their names on cards."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """Properties of a task, for recipes and cards.

    Args:
        gives: What a prediction is, with `{unit}` and `{classes}` of the recipe.
        attribute: The attribute of a `Prediction` that holds it.
        option: The option of `medzoo predict` that returns it.
        hub_name: What the hub calls the task.
        has_unit: Whether a recipe names the unit of a value.
        has_classes: Whether a recipe names classes.
        needs_target: Whether a recipe must name the column with the truth.
        classes_in_table: Whether a cell of that column holds a class.
        options: What the training's data are made of, see `training_options.OPTIONS`.
        with_classes: The task of a model whose head is replaced by one for classes;
            None keeps the task.
    """

    gives: str
    attribute: str
    option: str
    hub_name: str
    has_unit: bool = False
    has_classes: bool = False
    needs_target: bool = True
    classes_in_table: bool = False
    options: str = "none"
    with_classes: str | None = None


TASKS = {
    "regression": Task(
        "a value in {unit}",
        "value",
        "--json",
        "image-regression",
        has_unit=True,
        with_classes="classification",
    ),
    "classification": Task(
        "one of: {classes}",
        "label",
        "--json",
        "image-classification",
        has_classes=True,
        classes_in_table=True,
    ),
    "segmentation": Task(
        "a label map of: {classes}",
        "labels",
        "-o labels.nii.gz",
        "image-segmentation",
        has_classes=True,
        options="labelled patches",
    ),
    "reconstruction": Task(
        "an image",
        "image",
        "-o image.nii.gz",
        "image-to-image",
        needs_target=False,
        options="versions",
    ),
    "super_resolution": Task(
        "an image",
        "image",
        "-o image.nii.gz",
        "image-to-image",
        needs_target=False,
        options="coarse patches",
    ),
}
