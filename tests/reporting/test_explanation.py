"""An explanation in a report: its map, its regions, and nothing made up."""

from dataclasses import replace

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.explanation.explain import explain
from medzoo.reporting.explanation import explanation_section, warning_lines
from medzoo.reporting.report import report
from medzoo.spatial.doubt import MAP, REGIONS, SLICES, Doubt
from tests.explanation.conftest import tiny_model, two_halves
from tests.reporting.page import Page


@pytest.fixture(scope="module")
def page(tmp_path_factory, head_phantom):
    scan, model = head_phantom(6.0, "LPS"), tiny_model()
    found = explain(model, scan, regions=two_halves(scan), steps=4)
    path = tmp_path_factory.mktemp("report") / "a.html"
    report(model, scan, path, explanation=found)
    return found, path.read_text(encoding="utf-8")


def test_the_report_shows_map_and_regions_beside_the_prediction(page):
    found, text = page

    assert "Explanation of the prediction" in text
    assert f"{found.prediction.value:.1f} years" in text
    for region in found.regions:
        assert f"{region.effect:+.2f} years" in text
        sign = "lowers" if region.effect < 0 else "raises"
        row = text[text.index(f">{region.name}</th>") :]
        assert 'class="bar ' + sign in row[: row.index("</tr>")]
    assert text.count('alt="axial slice"') == 1
    # Which side is which, as in the views above.
    views = text[text.index("views small") :]
    assert views[: views.index("Slices through")].count('class="edge left"') == 3


def test_doubts_about_map_and_regions_stand_there_and_those_of_the_scan_above(page):
    found, _ = page
    kinds = {"thick": SLICES, "folds": REGIONS, "random": MAP, "other": None}
    doubted = replace(
        found, warnings=tuple(Doubt(text, kind) for text, kind in kinds.items())
    )
    scan = found.map.with_array(np.ones(found.map.shape, np.float32))
    told = "".join(explanation_section(doubted, scan))

    assert "Warning about the regions: folds" in told
    assert "Warning about the map: random" in told
    assert "thick" not in told
    lines = warning_lines(doubted, images={"t1": "/data/random"})
    assert "Warning about the scan: thick" in lines[0]
    assert "Warning about the map: [folder]" in "".join(
        warning_lines(
            replace(doubted, warnings=(Doubt("/data", MAP),)),
            images={"t1": "/data/a.nii"},
        )
    )
    assert "Warning: other" in lines[3]


def test_the_page_still_fetches_nothing(page):
    assert not Page(page[1]).fetched()


def test_what_is_no_explanation_is_refused(tmp_path, head_phantom):
    with pytest.raises(InputError, match="Explanation of a value"):
        report(tiny_model(), head_phantom(8.0), tmp_path / "c.html", explanation="why")


def test_a_report_without_an_explanation_is_as_it_was(tmp_path, head_phantom):
    report(tiny_model(), head_phantom(8.0), tmp_path / "b.html")

    text = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert "Explanation of the prediction" not in text
