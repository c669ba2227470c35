"""Settings files of Keras that it cannot work with are one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import medzoo

CODE = """
from medzoo.errors import InputError
from medzoo.zoo.quiet_keras import import_keras
try:
    import_keras()
except InputError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize(
    "settings",
    [
        '{"backend": "abacus"}',
        '{"floatx": "float7"}',
        '{"image_data_format": 3}',
        '{"epsilon": "small"}',
        "[]",
    ],
)
def test_settings_that_keras_cannot_work_with_are_told(tmp_path, settings):
    (tmp_path / "keras.json").write_text(settings)
    kept = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={
            **kept,
            "KERAS_HOME": str(tmp_path),
            "PYTHONPATH": str(Path(medzoo.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("refused: Keras must be importable"), done
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
