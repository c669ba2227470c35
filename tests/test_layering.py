"""Who may import what: the parts of medzoo form a ladder, and nothing looks up it.

No files import each other in a circle, and each folder says what is inside.
"""

import ast
import sys
from pathlib import Path

import pytest

import medzoo

PACKAGE = Path(medzoo.__file__).parent

# Part -> the parts that it may import, and with them whatever those may.
DIRECT = {
    "_version": (),
    "errors": (),
    "files": ("errors",),
    "progress": (),
    "processes": (),
    "zoo_access": (),
    # Connections, for weights and data sets.
    "transport": ("errors", "_version"),
    "transfer": ("transport", "files"),
    "volume": ("errors",),
    # _version: a DICOM SEG says what made it.
    "io": ("volume", "files", "_version"),
    "spatial": ("volume", "files"),
    # Slices as pictures.
    "drawing": ("io", "spatial"),
    # Numbers that layers and predictions without Keras share.
    "contrast_distance": (),
    "layers": ("errors", "contrast_distance"),
    "models": ("layers",),
    "losses": ("errors",),
    "metrics": ("errors",),
    # io too: model.preprocessor takes a path.
    "preprocess": ("io", "spatial", "layers"),
    # What data sets and feeds have in common: cases.
    "data": (),
    "data/cases": ("data", "io", "spatial"),
    "datasets": ("data/cases", "transfer"),
    "data/compiled": ("data", "layers"),
    # _version: what was prepared by another version is prepared anew.
    "data/store": ("data", "files", "errors", "processes", "_version"),
    "data/feeds": ("data/store", "data/compiled", "datasets", "preprocess"),
    "inference": ("io", "preprocess", "drawing", "zoo_access"),
    # models too: what is trained has to be built.
    "training": (
        "data/feeds",
        "losses",
        "metrics",
        "inference",
        "models",
        "progress",
    ),
    "zoo/recipe": ("errors",),
    "zoo": ("zoo/recipe", "training", "models", "progress", "_version"),
    # zoo: the brain is found by a model.
    "preprocessing": ("zoo",),
    # Why a model answers as it does.
    "explanation": ("zoo",),
    "batch": ("zoo",),
    "cluster": ("batch",),
    "evaluation": ("batch",),
    # Not "report": that is the public function.
    "reporting": ("evaluation", "explanation"),
    # _version: of the API.
    "serve": ("reporting", "_version"),
    "cli": ("reporting", "preprocessing", "serve", "cluster"),
    "__main__": ("cli",),
    "__init__": ("_version", "zoo_access"),
}
# The ways up, inside functions alone: predict_volume, and what a volume looks like.
UPWARD = {("models/base.py", "inference"), ("volume.py", "drawing")}

STANDARD_LIBRARY_ONLY = {
    "_version",
    "errors",
    "files",
    "processes",
    "progress",
    "transfer",
    "transport",
    "zoo/recipe",
    "zoo_access",
}
# Part -> the only packages from outside that it may import. Others: any but BACKENDS.
OUTSIDE = {
    "volume": {"numpy"},
    "contrast_distance": {"numpy"},
    "layers": {"keras", "numpy"},
    "losses": {"keras", "numpy"},
    "models": {"keras", "numpy"},
}
WITHOUT_KERAS = {"volume", "io", "spatial", "drawing"}
TENSORFLOW = {"tensorflow", "tf_keras"}
BACKENDS = {"jax", "torch", "tf_keras"}
# What data pipelines are made and compiled with.
OF_DATA = {"tensorflow", "jax"}
# What keras.distribution lacks: TensorFlow, and messages between processes.
OF_DEVICES = {
    "training/mirrored_devices.py": "tensorflow",
    "training/jax_processes.py": "jax",
}
# They come with an extra, so only what the extra serves may need them.
EXTRAS = {
    "dipy": {"spatial"},
    "fastapi": {"serve"},
    "fsspec": {"io"},
    "matplotlib": {"drawing", "cli"},
    "nilearn": {"cli"},
    "openvino": {"inference"},
    "optuna": {"training"},
    "python_calamine": {"datasets"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "ray": {"cluster"},
}


def allowed(part):
    """The parts that `part` may import: itself, and all below it."""
    reached, queue = set(), [part]
    while queue:
        current = queue.pop()
        if current not in reached:
            reached.add(current)
            queue.extend(DIRECT[current])
    return reached


def part_of(path):
    """The part that a file or a module is of: the longest name that has a rule."""
    parts = str(path).removesuffix(".py").split("/")
    folder = "/".join(parts[:2])
    return folder if folder in DIRECT else parts[0]


def imports(tree, path):
    """Yields (dotted name, line, whether inside a function) of each import.

    What is imported for type checkers alone counts as inside.
    """
    inside = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING")
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        for name in imported_names(node, path):
            yield name, node.lineno, id(node) in inside


def imported_names(node, path):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        package = ["medzoo", *Path(path).parts[:-1]]
        start = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*start, *([node.module] if node.module else [])])
        return [
            f"{base}.{alias.name}"
            if base == "medzoo" or f"{base}.{alias.name}" in MODULES
            else base
            for alias in node.names
        ]
    if isinstance(node, ast.Call):
        function = getattr(node.func, "id", getattr(node.func, "attr", None))
        first = node.args[0] if node.args else None
        if function in ("import_module", "__import__") and isinstance(
            first, ast.Constant
        ):
            return [first.value]
    return []


def faults(source, path):
    """The imports of one file that break a rule, as readable lines."""
    part = part_of(path)
    if part not in DIRECT:
        return [f"{path}: no rule says what this part may import"]
    found = []
    for name, line, in_function in imports(ast.parse(source), path):
        fault = fault_of(name, part, path, in_function)
        if fault:
            found.append(f"{path}:{line}: {fault}")
    return found


def fault_of(name, part, path, in_function):
    top, _, rest = name.partition(".")
    if top == "medzoo":
        return inner_fault(part_of(rest.replace(".", "/")), part, path, in_function)
    if in_function and OF_DEVICES.get(Path(path).as_posix()) == top:
        return None
    return outer_fault(top, part)


def inner_fault(target, part, path, in_function):
    if target not in DIRECT:
        return f"imports the public name medzoo.{target}, not the module that holds it"
    upward = (Path(path).as_posix(), target) in UPWARD and in_function
    if target not in allowed(part) and not upward:
        return f"{part} may not import medzoo.{target}"
    return None


def outer_fault(top, part):
    if top in sys.stdlib_module_names:
        return None
    if part in STANDARD_LIBRARY_ONLY:
        return f"{part} needs the standard library only, not {top}"
    if top not in OUTSIDE.get(part, {top}):
        return f"{part} may not import {top}"
    if top in BACKENDS | TENSORFLOW and not (
        part.startswith("data/") and top in OF_DATA
    ):
        return f"{part} may not import {top}: keras.ops serves every backend"
    if top == "keras" and part in WITHOUT_KERAS:
        return f"{part} may not import keras"
    if part not in EXTRAS.get(top, {part}):
        return f"{part} may not import {top}, which comes with an extra"
    return None


def file_graph(sources):
    """Which files import which: a dict of module name -> set of module names.

    Imports inside functions count: they only hide a circle.

    Args:
        sources: dict of module name -> (path, source).
    """
    return {
        module: {
            name
            for name, _, _ in imports(ast.parse(source), path)
            if name in sources and name != module
        }
        for module, (path, source) in sources.items()
    }


def circles(graph):
    """The sets of two or more modules that reach each other, sorted."""
    return sorted(
        {
            tuple(sorted(m for m in reached(graph, name) if name in reached(graph, m)))
            for name in graph
            if name in reached(graph, name)
        }
    )


def reached(graph, name):
    """The modules that one imports, and those that they import, and so on."""
    found, queue = set(), list(graph[name])
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue.extend(graph[current])
    return found


def module_of(path):
    parts = Path("medzoo", path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if "_zoo_models" not in path.parts
)


MODULES = {module_of(path): path for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_file_imports_only_what_lies_below_it(path):
    assert faults((PACKAGE / path).read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("errors.py", "import numpy"),
        ("files.py", "from medzoo.volume import Volume"),
        ("volume.py", "import scipy.ndimage"),
        ("io/nifti.py", "def f():\n    import keras"),
        ("io/nifti.py", "from medzoo.spatial import orient"),
        ("spatial/orient.py", "from ..layers import warp"),
        (
            "spatial/orient.py",
            "from importlib import import_module\nimport_module('keras')",
        ),
        ("layers/warp.py", "import tensorflow as tf"),
        ("layers/warp.py", "from medzoo.volume import Volume"),
        ("models/resnet.py", "def f():\n    from medzoo.inference import predict"),
        ("models/base.py", "from medzoo.inference import predict_volume"),
        ("inference/predict.py", "from medzoo.data.cases import targets"),
        ("inference/predict.py", "import matplotlib.pyplot"),
        ("inference/predict.py", "import jax"),
        ("zoo/load.py", "import openvino"),
        ("data/feeds/dataset.py", "import torch"),
        ("datasets/ixi.py", "import tensorflow"),
        ("datasets/ixi.py", "from medzoo.data.feeds import dataset"),
        ("data/cases/targets.py", "from medzoo.data.store import prepared_cases"),
        ("data/store/prepared_cases.py", "from medzoo.preprocess import Preprocessor"),
        ("data/store/tfrecords.py", "from medzoo.datasets import read_cases"),
        ("zoo/recipe/schema.py", "def f():\n    from medzoo.zoo import registry"),
        ("zoo/load.py", "from medzoo.batch.predict import predict"),
        ("zoo/cards/card.py", "from medzoo.evaluation import evaluate"),
        ("batch/predict.py", "from medzoo.evaluation.evaluate import evaluate"),
        ("evaluation/evaluate.py", "import medzoo.reporting.sheet"),
        ("progress.py", "import numpy"),
        ("zoo/load.py", "import medzoo.cli.main"),
        ("zoo/load.py", "from medzoo import reporting"),
        ("volume.py", "from medzoo.drawing.notebook import volume_html"),
        ("cli/main.py", "import torch"),
        ("cli/main.py", "import fastapi"),
        ("reporting/sheet.py", "from medzoo.serve import server"),
        ("cli/main.py", "from medzoo import load"),
        ("extras.py", "import os"),
    ],
)
def test_an_import_against_the_rules_is_found(path, source):
    assert len(faults(source, path)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/base.py", "def f():\n    from medzoo.inference import predict_volume"),
        (
            "models/base.py",
            "if TYPE_CHECKING:\n    from medzoo.inference import Prediction",
        ),
        (
            "data/feeds/dataset.py",
            "import tensorflow as tf\nfrom medzoo.io import read",
        ),
        ("data/feeds/dataset.py", "def f():\n    import jax"),
        ("data/feeds/dataset.py", "from medzoo.datasets import read_cases"),
        ("evaluation/evaluate.py", "from medzoo.batch import predictor"),
        ("spatial/orient.py", "from .grid import Grid\nimport SimpleITK"),
        ("zoo/load.py", "from medzoo import models, errors\nimport keras, h5py"),
        ("cli/demo.py", "import matplotlib\nfrom medzoo.reporting import sheet"),
        ("volume.py", "def f():\n    from medzoo.drawing import notebook"),
    ],
)
def test_an_import_within_the_rules_passes(path, source):
    assert faults(source, path) == []


def test_no_files_import_each_other_in_a_circle():
    sources = {
        module: (path, (PACKAGE / path).read_text(encoding="utf-8"))
        for module, path in MODULES.items()
    }
    graph = file_graph(sources)

    assert sum(map(len, graph.values())) > len(FILES)
    assert circles(graph) == []


def test_a_circle_is_found_also_where_a_function_hides_it():
    sources = {
        "medzoo.zoo.load": ("zoo/load.py", "from medzoo.zoo.info import info"),
        "medzoo.zoo.info": (
            "zoo/info.py",
            "def f():\n    from medzoo.zoo import registry",
        ),
        "medzoo.zoo.registry": ("zoo/registry.py", "from . import load, golden"),
        "medzoo.zoo.golden": ("zoo/golden.py", "import numpy"),
    }

    assert circles(file_graph(sources)) == [
        ("medzoo.zoo.info", "medzoo.zoo.load", "medzoo.zoo.registry")
    ]


FOLDERS = sorted({path.parent for path in FILES} - {Path()})


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_says_what_is_inside_and_what_it_imports(folder):
    source = (PACKAGE / folder / "__init__.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    inside, *rest = text.split("\n\n")

    assert inside.endswith(".")
    assert any(part.startswith("Imports ") for part in rest)
