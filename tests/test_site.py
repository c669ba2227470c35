"""The documentation site: its code runs, its links lead somewhere, it asks no one.

Scans are made here; small models stand for those of the zoo.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

import medzoo
from medzoo.cli.main import main
from tests.conftest import make_head
from tests.serve.browser import violations

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
PAGES = [CHECKOUT / "README.md"]
PAGES += [DOCS / f"{name}.md" for name in ("index", "start", "concepts")]
PAGES += sorted((DOCS / "guides").glob("*.md"))
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.DOTALL | re.MULTILINE)
STAND_INS = {
    "ixi_age_resnet": "tiny_age",
    "ixi_sex_resnet": "tiny_sex",
    "mrbrains_tissue_unet": "tiny_tissue",
}
# What a page tells to type that is not run here: it changes the machine.
NOT_RUN = ("pip install", "export ", "make ")
# Needs a name of the zoo, not a folder.
OF_THE_ZOO = ("medzoo info ", "medzoo fetch ", "medzoo verify", "medzoo list")
# Hosts that many sites fetch scripts, styles and fonts from.
CONTENT_NETWORK = re.compile(
    r"//(?:[\w-]+\.)*(?:unpkg\.com|jsdelivr\.net|cdnjs\.cloudflare\.com|esm\.sh|"
    r"skypack\.dev|googleapis\.com|gstatic\.com|bootstrapcdn\.com|jquery\.com)"
)
# What a stranger asks -> the links to click, beginning at the front page, and what the
# last page must say to be an answer.
QUESTIONS = {
    "How do I install it?": (["First ten minutes"], "pip install ."),
    "My scan is DICOM": (["Scans as they come"], "medzoo predict ixi_age_resnet DIR"),
    "One number for 500 people": (["Cohorts"], "--cases cases.csv -o ages.csv"),
    "Fine-tune on my labels": (["Fine-tuning"], "--cases cases.csv --fine-tune"),
    "Publish my model": (["Publishing"], "medzoo.publish("),
    "May I sell what I make?": (["Licences"], "Commercial use"),
    "Does it use my GPU?": (["GPU"], "KERAS_BACKEND"),
    "No network": (["Offline"], "HF_HUB_OFFLINE=1"),
    "The answer is wrong": (["Troubleshooting"], "--report look.html"),
    "How do I cite it?": (["How to cite"], "@software{medzoo"),
}
MOST_CLICKS = 2
# Seconds that it may take to build on two busy cores.
BUILD_SECONDS = 400

pytestmark = pytest.mark.extended


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """A folder with what the pages speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDZOO_CACHE", str(tmp_path / "cache"))
    rows = ["case_id,t1,age,sex,labels"]
    for number in range(1, 7):
        scan = f"scans/sub-{number:02d}_T1w.nii.gz"
        (tmp_path / "scans").mkdir(exist_ok=True)
        labels = f"scans/sub-{number:02d}_labels.nii.gz"
        head = make_head(6.0, noise=1.0, seed=number)
        medzoo.write(head, scan)
        classes = np.digitize(head.array, (60, 140)).astype(np.uint8)
        medzoo.write(head.with_array(classes), labels)
        rows.append(
            f"sub-{number:02d},{scan},{20 + number},{'FM'[number % 2]},{labels}"
        )
    Path("cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    shutil.copy("scans/sub-01_T1w.nii.gz", "sub-01_T1w.nii.gz")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_code_runs(page, samples, models):
    names = {}
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if language == "python":
                exec(with_small_models(code, models), names)
            else:
                for line in code.splitlines():
                    run(line, models)


def run(line, models):
    if line.startswith(NOT_RUN):
        return
    if not line.startswith(OF_THE_ZOO):
        line = with_small_models(line, models)
    program, *arguments = shlex.split(line)
    assert program == "medzoo", line
    assert main(arguments) == 0, line


def with_small_models(text, models):
    """The zoo's names replaced where they are loaded; `medzoo.info` keeps them."""
    for name, stand_in in STAND_INS.items():
        text = text.replace(name, str(models[stand_in]))
    return text


def test_an_unknown_language_of_a_block_is_none():
    fences = {
        fence
        for page in PAGES
        for fence in re.findall(r"^```(\w+)", page.read_text(encoding="utf-8"), re.M)
    }
    assert fences <= {"python", "sh", "text"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the built site."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(folder)],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder.resolve()


@pytest.fixture(scope="module")
def site(built):
    """Each page of the site parsed: path -> `Links`."""
    # Its links begin at the root of a server, which a page of errors needs.
    pages = set(built.rglob("*.html")) - {built / "404.html"}
    return {path: Links(path) for path in pages}


class Links(HTMLParser):
    """What a page links to, what it loads, its anchors, and its article.

    The article is what a phone shows at once: its text, and text -> target of links.
    """

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.text, self.named = "", {}
        self._target = self._inside = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_endtag(self, tag):
        if tag == "article":
            self._inside = None
        if tag == "a":
            self._target = None

    def handle_data(self, data):
        if self._inside:
            self.text += data
            if self._target:
                self.named[data.strip()] = self._target

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "article":
            self._inside = True
        if tag == "a":
            self._target = found.get("href")
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        for key in ("href", "src"):
            if found.get(key):
                loaded = key == "src" or tag == "link"
                (self.loaded if loaded else self.links).append(found[key])


def test_every_link_leads_somewhere(site):
    broken = []
    for page, found in site.items():
        for link in found.links + found.loaded:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / unquote(path)).resolve() if path else page
            known = site[target].anchors if target in site else ()
            if not target.exists() or (
                anchor and unquote(anchor) not in known and anchor != "__comments"
            ):
                broken.append((page.name, link))
    assert broken == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_strangers_question_is_answered_within_two_clicks(site, built, question):
    clicks, answer = QUESTIONS[question]
    place = built / "index.html"
    for text in clicks:
        path, _, anchor = site[place].named[text].partition("#")
        place = (place.parent / path).resolve()
        assert not anchor or anchor in site[place].anchors

    assert len(clicks) <= MOST_CLICKS
    assert answer in site[place].text


def test_how_to_cite_is_what_the_file_for_it_says():
    page = (DOCS / "guides" / "licences.md").read_text(encoding="utf-8")
    text = (CHECKOUT / "CITATION.cff").read_text(encoding="utf-8")
    told = dict(re.findall(r"^(title|version|license): (.+)$", text, re.M))

    assert len(told) == 3
    for name, value in told.items():
        assert re.search(rf"{name} *= {{{re.escape(value.strip(chr(34)))}}}", page), (
            name
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough_on_a_page_of_each_kind(chromium, built, scheme):
    context = chromium.new_context(color_scheme=scheme)
    view = context.new_page()
    faint = {}
    for name in ("index", "guides/licences", "api/main", "zoo/ixi_age_resnet"):
        view.goto((built / f"{name}.html").as_uri())
        found = dict(violations(view))
        faint[name] = found.get("color-contrast", [])
    context.close()
    assert not any(faint.values()), faint


def test_nothing_is_loaded_from_elsewhere(site):
    loaded = {link for found in site.values() for link in found.loaded}
    assert [link for link in loaded if re.match(r"(https?:)?//", link)] == []


def test_no_file_of_the_site_names_a_content_network(built):
    assert (built / "404.html").is_file()
    naming = {}
    for path in built.rglob("*"):
        if path.suffix in (".html", ".js", ".css", ".json", ".map", ".svg"):
            text = path.read_text(encoding="utf-8")
            if found := sorted(set(CONTENT_NETWORK.findall(text))):
                naming[path.relative_to(built).as_posix()] = found
    assert naming == {}


@pytest.mark.parametrize(
    "text",
    ["https://unpkg.com/a", "//cdn.jsdelivr.net/npm/b", "http://fonts.gstatic.com/c"],
)
def test_a_content_network_is_known_when_it_is_seen(text):
    assert CONTENT_NETWORK.search(text)


def test_cards_notebooks_and_docstrings_are_on_the_site(site):
    text = {path.stem: path.read_text(encoding="utf-8") for path in site}

    for folder in CHECKOUT.glob("zoo_models/*/card.md"):
        assert folder.parent.name in text
    assert "_files/" in text["06_images_and_geometry"]
    places = {path.parent.name: path for path in site if path.stem == "layers"}
    shown = site[places["api"]].anchors
    for name in medzoo.layers.__all__:
        assert any(anchor.endswith(f".{name}") for anchor in shown), name
