"""The application as a whole: its description, its page, and what goes wrong."""

import re
from html.parser import HTMLParser

import pytest

from medzoo.serve import page_routes
from medzoo.serve.app import make_app
from medzoo.serve.offered_models import offered, preselected
from medzoo.serve.server import make_server

ELSEWHERE = re.compile(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9]", re.I)


class Addresses(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.inline = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.found += [given[n] for n in ("src", "href") if given.get(n)]
        self.inline += [name for name in given if name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


@pytest.mark.parametrize("path", ["/", "/api"])
def test_pages_fetch_own_files_alone_and_hold_no_script(visitor, path):
    found = Addresses(visitor.client.get(path).text)

    assert found.inline == []
    for address in found.found:
        assert address.startswith(("/", "#"))
        if address.startswith("/"):
            assert visitor.client.get(address).status_code == 200


def test_files_of_the_page_name_no_other_site(visitor):
    # Comments of NiiVue name papers; a browser's test holds that it fetches nothing.
    own = [name for name in page_routes.FILES if name != page_routes.NIIVUE]
    for name in own:
        answer = visitor.client.get(f"/files/{name}")
        assert answer.status_code == 200
        assert not ELSEWHERE.search(answer.text), name
    imported = re.compile(r'from "\./([a-z]+\.js)"')
    for name in own:
        for other in imported.findall(visitor.client.get(f"/files/{name}").text):
            assert other in page_routes.FILES


@pytest.mark.parametrize("there", [True, False])
def test_niivue_is_offered_where_the_installation_has_it(
    visitor, monkeypatch, tmp_path, there
):
    page = page_routes.resources.files("medzoo.serve").joinpath("page")
    (tmp_path / "page").mkdir()
    for file in ("index.html", "icon.svg"):
        (tmp_path / "page" / file).write_text(page.joinpath(file).read_text("utf-8"))
    if there:
        (tmp_path / "page" / "niivue.js").write_text("var niivue = {};")
    monkeypatch.setattr(page_routes.resources, "files", lambda package: tmp_path)

    index = visitor.client.get("/").text
    assert ("niivue" in index) is there
    answer = visitor.client.get("/files/niivue.js")
    assert answer.status_code == (200 if there else 404)
    assert (answer.text == "var niivue = {};") is there


@pytest.mark.parametrize("name", ["..%2Fapp.py", "app.py", "index.html", "%00"])
def test_no_other_file_is_given(visitor, name, error_of):
    error_of(visitor.client.get(f"/files/{name}"), 404)


def test_every_operation_is_described(visitor):
    about = visitor.get("/openapi.json").json()
    page = visitor.client.get("/api").text

    assert set(about["paths"]) >= {"/api/v1/session", "/api/v1/scans", "/api/v1/jobs"}
    for path, operations in about["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], path
            assert f"{method.upper()} {path}" in page


def test_models_tell_what_they_need(visitor):
    models = {model["name"]: model for model in visitor.get("/models").json()}
    card = visitor.get("/models/tiny_age/card")

    assert models["tiny_tissue"]["channels"] == {"t1": True, "flair": False}
    assert models["tiny_tissue"]["preselected"]
    assert not models["tiny_age"]["preselected"]
    assert models["tiny_age"]["licence"] == "CC-BY-SA-3.0"
    assert "Not a medical device" in card.text
    assert visitor.get("/models/other/card").status_code == 404


def test_the_zoo_is_offered_where_no_model_is_named():
    models = offered([])

    assert "mrbrains_tissue_unet" in models
    assert preselected(models) == "mrbrains_tissue_unet"
    assert models["brain_regions_unet"].compares_people
    assert models["brain_regions_unet"].passes == 2
    assert models["ixi_age_resnet"].seconds > 0


def test_a_failure_of_the_server_tells_nothing_of_its_inside(models, monkeypatch):
    from starlette.testclient import TestClient

    from medzoo.serve import session_routes
    from tests.serve.conftest import ADDRESS

    server = make_server([str(models["tiny_age"])])

    def fail(_):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(session_routes, "model_infos", fail)
    client = TestClient(
        make_app(server), base_url=ADDRESS, raise_server_exceptions=False
    )
    session = server.sessions.create()
    given = {"Authorization": f"Bearer {session.secret}"}
    answer = client.get("/api/v1/models", headers=given)
    server.end()

    assert answer.status_code == 500
    assert "secret" not in answer.text
