"""Small models of several tasks, with fresh but fixed weights, for whole runs."""

import json
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "zoo" / "example_recipe.json"
SPATIAL = [
    {"step": "orient", "arguments": {"orientation": "RAS"}},
    {"step": "resample", "arguments": {"spacing": 16.0}},
    {"step": "crop_pad", "arguments": {"size": [8, 8, 8]}},
]
# Ages of the untrained network, so that they are of people.
AROUND_40 = {"output_scale": 9.0, "output_offset": 40.0}
CLASSES = ["background", "grey matter", "white matter"]
TISSUE = {
    "name": "tiny_tissue",
    "task": "segmentation",
    "architecture": {
        "class": "ResidualUNet3D",
        "arguments": {
            "input_shape": [None, None, None, 2],
            "num_classes": 3,
            "filters": [2, 4],
            "strides": [[1, 1, 1], [2, 2, 2]],
        },
    },
    "channels": [
        {"name": "t1", "required": True},
        {"name": "flair", "required": False},
    ],
    "target": {"column": "labels", "label_map": True},
    "postprocessing": [],
    "class_names": CLASSES,
    "training": {
        "epochs": 1,
        "steps_per_epoch": 1,
        "batch_size": 1,
        "patch_size": [8, 8, 8],
        "split": {"validation": ["mrbrains13-1", "mrbrains18-1", "wmh-1"]},
    },
}
SEX = {
    "name": "tiny_sex",
    "task": "classification",
    "architecture": {
        "class": "ResNet3D",
        "arguments": {
            "input_shape": [8, 8, 8, 1],
            "num_classes": 2,
            "filters": [4, 8],
            "strides": [[1, 1, 1], [2, 2, 2]],
        },
    },
    "target": {"column": "sex", "values": {"F": "female", "M": "male"}},
    "postprocessing": [],
    "class_names": ["female", "male"],
}


def make_models(folder):
    """Writes tiny_age, tiny_sex and tiny_tissue; returns name -> folder."""
    example = _example()
    example["training"] = {"epochs": 1, "split": {"num_folds": 2, "seed": 0}}
    age = json.loads(json.dumps(example))
    # Of 90 % it would take twenty people a fold; a training here has a few.
    interval = {"coverage": 0.5, "lower": -8.0, "upper": 8.0}
    age["postprocessing"] = [{"step": "interval", "arguments": interval}]
    # Its training needs no averages of batch normalisation, which take 60 batches.
    age["architecture"]["arguments"].update(AROUND_40, normalization="instance")
    without_unit = {k: v for k, v in example.items() if k != "unit"}
    recipes = [age, {**without_unit, **SEX}, {**without_unit, **TISSUE}]
    return {recipe["name"]: _write(recipe, folder) for recipe in recipes}


def make_age_model(folder, first_steps=()):
    """Writes tiny_age alone, with an interval of 90 %; returns its folder."""
    recipe = _example()
    recipe["preprocessing"]["spatial"] = [*first_steps, *SPATIAL]
    recipe["training"] = {"epochs": 3}
    recipe["architecture"]["arguments"].update(AROUND_40)
    return _write(recipe, folder)


def _example():
    recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    recipe["preprocessing"]["spatial"] = SPATIAL
    return recipe


def _write(recipe, folder):
    import keras

    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights

    keras.utils.set_random_seed(0)
    place = folder / recipe["name"]
    place.mkdir(parents=True)
    model = build_model({**recipe, "weights": None})
    facts = write_weights(model, place / "model.weights.h5")
    content = {**recipe, "weights": {**facts, "urls": []}}
    (place / "recipe.json").write_text(json.dumps(content), encoding="utf-8")
    return place
