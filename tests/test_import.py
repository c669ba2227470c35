import ast
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import medzoo

PACKAGE = Path(medzoo.__file__).parent
HEAVY = ("keras", "numpy", "tensorflow", "jax", "h5py", "nibabel", "SimpleITK", "scipy")
PUBLIC = {
    "CompiledPipeline",
    "PatchFeed",
    "Volume",
    "__version__",
    "attach",
    "count_classes",
    "dataset",
    "errors",
    "evaluate",
    "explain",
    "features",
    "fetch",
    "freeze",
    "inference",
    "info",
    "io",
    "layers",
    "list_models",
    "load",
    "losses",
    "metrics",
    "models",
    "predict",
    "preprocessing",
    "publish",
    "read",
    "read_tfrecords",
    "recalibrate",
    "report",
    "save_recipe",
    "spatial",
    "search",
    "train",
    "verify",
    "write",
    "write_tfrecords",
}


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def seconds(*arguments):
    """Processor time: what else the machine does is not our doing."""
    before = os.times()
    result = python(*arguments)
    assert result.returncode == 0, result.stderr
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def test_dir_lists_the_public_surface():
    assert set(dir(medzoo)) == PUBLIC
    assert set(medzoo.__all__) == PUBLIC


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = medzoo.no_such_name


def test_light_names_are_what_they_stand_for():
    from medzoo.zoo.registry import list_models

    assert medzoo.list_models is list_models
    assert issubclass(medzoo.errors.InputError, ValueError)
    assert callable(medzoo.info)
    assert isinstance(medzoo.__version__, str)


@pytest.mark.parametrize("name", sorted(medzoo._PUBLIC))
def test_public_name_stands_in_its_module(name):
    module, attribute = medzoo._PUBLIC[name]
    stem = PACKAGE.joinpath(*module.split(".")[1:])
    source = stem.with_suffix(".py") if not stem.is_dir() else stem / "__init__.py"
    assert source.is_file()
    if attribute is None:
        return
    names = set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    assert attribute in names


@pytest.mark.parametrize(
    ("stub", "table"),
    [
        (PACKAGE / "__init__.pyi", medzoo._PUBLIC),
        (
            PACKAGE / "metrics" / "__init__.pyi",
            {
                name: (f"medzoo.metrics.{module}", name)
                for name, module in medzoo.metrics._PUBLIC.items()
            },
        ),
    ],
    ids=["medzoo", "metrics"],
)
def test_editors_and_type_checkers_see_the_same_names(stub, table):
    expected = {
        name: (module, attribute)
        if attribute is not None
        else tuple(module.rsplit(".", 1))
        for name, (module, attribute) in table.items()
    }
    found = {
        alias.asname: (node.module, alias.name)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        for alias in node.names
    }
    found.pop("__version__", None)
    assert found == expected
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize(
    "program",
    [
        "import medzoo, medzoo.errors, medzoo.files",
        "import medzoo; dir(medzoo); medzoo.list_models()",
        "import medzoo; medzoo.info; import medzoo.zoo.weights, medzoo.zoo.cards.card",
        "import medzoo; medzoo.fetch; medzoo.publish; medzoo.save_recipe",
        "from medzoo.cli.main import main; main(['list', '--json'])",
        "from medzoo.cli.main import main; main(['fetch', 'no_such_model'])",
        "from medzoo.cli.main import main; main(['info', 'no_such_model'])",
        "from medzoo.cli.main import main; main(['predict', 'no_such_model', 'x'])",
    ],
)
def test_nothing_heavy_is_imported(program):
    check = f"import sys; sys.exit(' '.join({{*{HEAVY}}} & set(sys.modules)) or 0)"
    result = python("-c", f"{program}\n{check}")

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "arguments", [("-c", "import medzoo"), ("-m", "medzoo", "list")], ids=" ".join
)
def test_start_takes_under_a_third_of_a_second(arguments):
    assert statistics.median(seconds(*arguments) for _ in range(5)) < 0.3
