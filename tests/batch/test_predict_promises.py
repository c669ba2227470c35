"""What SECURITY.md promises of a prediction, in a process that is watched."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from medzoo.io import read

# Every connection, every look-up of a name, and every file opened to be written.
WATCHED = """
import json, os, pathlib, shutil, sys
events = {"network": [], "written": []}

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        events["network"].append(f"{event} {arguments[1:]}")
    elif event == "open" and isinstance(arguments[0], str):
        mode, flags = arguments[1] or "", arguments[2] or 0
        if set("wax+") & set(mode) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            events["written"].append(os.path.realpath(arguments[0]))

sys.addaudithook(watch)
from medzoo.cli.main import main

model, scan, out = (pathlib.Path(word) for word in sys.argv[1:])
word = ["predict", str(model), str(scan), "-o", str(out / "a.csv")]
code = main([*word, "--report", str(out / "a.html")])

import keras
import medzoo
from medzoo.errors import IntegrityError, RecipeError

def refused(name, change, error):
    folder = out.parent / name
    shutil.copytree(model, folder)
    change(folder)
    try:
        medzoo.load(folder)
    except error as fault:
        return str(fault)
    return None

def tampered(folder):
    recipe = json.loads((folder / "recipe.json").read_text())
    arguments = recipe["architecture"]["arguments"]
    layer = keras.layers.Lambda(lambda x: os.close(os.open("ran", os.O_CREAT)) or x)
    arguments["activation"] = keras.saving.serialize_keras_object(layer)
    (folder / "recipe.json").write_text(json.dumps(recipe))

def flipped(folder):
    content = bytearray((folder / "model.weights.h5").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.weights.h5").write_bytes(content)

found = {"code": code, **{kind: list(seen) for kind, seen in events.items()}}
keras.config.enable_unsafe_deserialization()
found["tampered"] = refused("tampered", tampered, RecipeError)
found["flipped"] = refused("flipped", flipped, IntegrityError)
print(json.dumps(found))
"""
SECRET = "DOE^JANE"


@pytest.fixture(scope="module")
def watched(model_folder, scan, tmp_path_factory):
    """What a watched process did, and the folders that it was given."""
    place = tmp_path_factory.mktemp("watched")
    for name in ("home", "work", "out", "cache", "temporary"):
        (place / name).mkdir()
    volume = read(scan)
    image = nib.Nifti1Image(np.asarray(volume.array, np.float32), volume.affine)
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = SECRET.encode()
    nib.save(image, place / "work" / "scan.nii.gz")
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "temporary"),
        "MEDZOO_CACHE": str(place / "cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    arguments = [model_folder, "scan.nii.gz", place / "out"]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, arguments)],
        cwd=place / "work",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), place


def test_a_prediction_with_weights_at_hand_opens_no_connection(watched):
    found, _ = watched
    assert found["code"] == 0
    assert found["network"] == []


def test_a_prediction_writes_to_its_output_and_the_cache_alone(watched):
    found, place = watched
    assert found["written"]
    allowed = [place.resolve() / name for name in ("out", "cache", "work", "temporary")]
    # Keras and matplotlib keep settings and a list of fonts of their own.
    home = place.resolve() / "home"
    allowed += [
        home / ".keras",
        home / ".cache/matplotlib",
        home / ".config/matplotlib",
    ]
    outside = [
        path
        for path in found["written"]
        if not any(Path(path).is_relative_to(folder) for folder in (*allowed, "/dev"))
    ]
    assert outside == []
    assert {p.name for p in (place / "out").iterdir()} == {"a.csv", "a.html"}
    assert list((place / "temporary").iterdir()) == []
    assert [p.name for p in (place / "work").iterdir()] == ["scan.nii.gz"]


def test_free_text_of_a_header_reaches_no_result(watched):
    _, place = watched
    for path in (place / "out").iterdir():
        text = path.read_text(encoding="utf-8")
        assert "scan" in text
        assert SECRET not in text
        assert "DOE" not in text


def test_an_object_in_a_recipe_is_refused_whatever_keras_is_told(watched):
    found, place = watched
    assert "Received: " in found["tampered"]
    assert "activation" in found["tampered"]
    assert not (place / "work" / "ran").exists()


def test_a_flipped_bit_in_weights_is_refused_before_they_are_read(watched):
    found, _ = watched
    assert "model.weights.h5" in found["flipped"]
