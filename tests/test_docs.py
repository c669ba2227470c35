"""Pages name every layer, and quote what scripts and models give."""

import dataclasses
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

import medzoo
from medzoo import layers
from medzoo.zoo.recipe import step_schema, training_options, training_schema
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.recipe.tasks import TASKS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "pictures_of_layers", DOCS / "pictures_of_layers.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_layer_has_one_place(script):
    names = [name for family in script.FAMILIES.values() for name in family]

    assert sorted(names) == sorted(layers.__all__)


def test_the_page_is_current(script):
    assert (DOCS / "layers.md").read_text(encoding="utf-8") == script.page()


def test_the_page_shows_the_picture(script):
    place = script.PICTURE.relative_to(DOCS).as_posix()

    assert f"]({place})" in script.page()
    assert script.PICTURE.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert script.PICTURE.stat().st_size < 1_000_000


def test_every_layer_has_an_effect_to_show(script):
    labels = np.zeros((40, 40, 40, 1), "i4")
    labels[4:-4, 4:-4, 4:-4] = 3
    labels[8:-8, 8:-8, 8:-8] = 2
    labels[18:22, 10:22, 18:22] = 4
    image = np.array([0, 0, 0.8, 0.6, 0.2], "f4")[labels]

    for _, shown in script.tiles(image, labels):
        for title, volume in shown:
            assert np.isfinite(volume).all(), title
            if title not in ("the volume", "RandomChannelDropout (2)"):
                same = volume.shape == image.shape[:3]
                assert not (same and np.array_equal(volume, image[..., 0])), title


def script_of(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_checks_is_current():
    text = script_of("checks_of_code").page()
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == text
    assert "A result must not replace an input." in text
    assert "A label map must be aligned with its image." in text


def test_what_is_said_to_be_repaired_is_code():
    for place in script_of("checks_of_code").REPAIRS.values():
        path, _, name = place.partition(":")
        assert f"def {name}(" in (DOCS.parent / path).read_text(encoding="utf-8")


def test_the_page_on_recipes_names_all_that_a_recipe_may_have():
    text = (DOCS / "recipe.md").read_text(encoding="utf-8")
    options = {key for kind in training_options.OPTIONS.values() for key in kind}
    names = [field.name for field in dataclasses.fields(Recipe)]
    names += [*step_schema.SPATIAL, *step_schema.POSTPROCESSING, *TASKS]
    names += [*training_schema.SETTINGS, *training_options.SOURCE, *options]

    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_recipe_on_its_page_is_one():
    text = (DOCS / "recipe.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(\{.+?)```", text, re.DOTALL)[1]

    assert Recipe.from_dict(json.loads(shown)).name == "our_age"


def test_every_promise_of_security_is_held_by_a_test():
    text = (DOCS.parent / "SECURITY.md").read_text(encoding="utf-8")
    promises = text.partition("## Promises")[2].partition("## What is not")[0]
    paragraphs = re.split(r"\n\n(?=\*\*)", promises.strip())
    assert len(paragraphs) == len(re.findall(r"^\*\*", promises, re.MULTILINE)) >= 8
    for paragraph in paragraphs:
        named = re.findall(r"^- `(tests/[a-z_/]+\.py)::(test_\w+)`$", paragraph, re.M)
        assert len(named) == paragraph.count("\n- ") >= 2, paragraph
        for path, name in named:
            source = (DOCS.parent / path).read_text(encoding="utf-8")
            assert f"\ndef {name}(" in source, (path, name)


@pytest.mark.extended
def test_the_age_in_the_readme_is_what_its_lines_print():
    nilearn = pytest.importorskip("nilearn.datasets")
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    quoted = re.search(r"predict_volume\(scan\)\)  # (.+)", readme)[1]
    template = nilearn.load_mni152_template(resolution=1)
    scan = medzoo.Volume(template.get_fdata(), template.affine)

    printed = str(medzoo.load("ixi_age_resnet").predict_volume(scan))

    # The last digit depends on the processor.
    number = r"\d+\.\d"
    assert re.sub(number, "N", printed) == re.sub(number, "N", quoted)
    np.testing.assert_allclose(
        [float(n) for n in re.findall(number, printed)],
        [float(n) for n in re.findall(number, quoted)],
        atol=0.3,
    )
