"""A model that somebody trained becomes a folder that loads."""

import json

import numpy as np

import medzoo

TOLD = {
    "name": "own_tissue",
    "summary": "Tissue of own scans",
    "intended_use": "A test.",
    "limits": ["Made by a test."],
    "data": [{"name": "none", "cases": 1, "licence": "CC0-1.0", "role": "none"}],
}


def test_a_network_with_its_usual_activation_is_saved_and_loads(tmp_path):
    model = medzoo.load("mrbrains_tissue_unet")
    folder = medzoo.save_recipe(model, tmp_path / "own", **TOLD)

    arguments = json.loads((folder / "recipe.json").read_text())["architecture"]
    assert "activation" not in arguments["arguments"]
    for old, new in zip(
        model.get_weights(), medzoo.load(folder).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(old, new)
