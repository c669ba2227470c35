"""Every notebook runs as it stands, from top to bottom, at its small size."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("nilearn")

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
# Two cores are shared with whatever else runs.
SECONDS_A_CELL = 600
# A committed notebook is looked at on a page, not downloaded.
MOST_BYTES = 1_500_000


@pytest.mark.extended
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_top_to_bottom(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDZOO_NOTEBOOK_FOLDER", str(tmp_path))
    monkeypatch.setenv("MEDZOO_NOTEBOOK_SMALL", "1")
    monkeypatch.delenv("MEDZOO_CASES", raising=False)
    notebook = nbformat.read(FOLDER / name, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_with_its_results(name):
    path = FOLDER / name
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert path.stat().st_size < MOST_BYTES
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert [o for o in outputs if "image/png" in o.get("data", {})], "no picture"
    assert "/home/" not in path.read_text(encoding="utf-8")
