"""Fetching from a hub, mirrors and folders, over lines and servers that misbehave."""

import json
import socket
import time
from pathlib import Path

import pytest

from medzoo import errors, transfer
from medzoo.cli.main import main
from medzoo.zoo.fetch import fetch
from medzoo.zoo.hub import cache as cache_module
from medzoo.zoo.hub.model_files import ready_weights
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve
from tests.zoo.conftest import REPO
from tests.zoo.hub.loopback_hub import LoopbackHub

SOURCE = f"hf://{REPO}"
CHECKOUT = Path(__file__).parents[3]


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def temporaries(folder):
    return list(folder.rglob(f"{cache_module.TEMPORARY_PREFIX}*"))


def test_from_a_hub_then_never_again(hub, published, weights, cache):
    path = fetch(SOURCE)

    assert path.read_bytes() == weights
    assert path.is_relative_to(cache / "models" / "tiny_age")
    folder = resolve(SOURCE)
    assert folder.name == published
    assert read_recipe(folder).name == "tiny_age"
    assert json.loads((folder / "metrics.json").read_text())["model"] == "tiny_age"

    hub.requests.clear()
    for source in (SOURCE, f"{SOURCE}@{published}"):
        assert ready_weights(resolve(source), read_recipe(folder)) == path
    assert fetch(f"{SOURCE}@{published}") == path
    assert hub.requests == []


def test_a_branch_stays_until_it_is_fetched_again(hub, published, content):
    fetch(SOURCE)
    content["summary"] = "A newer one"
    newer = hub.put(REPO, {"recipe.json": json.dumps(content).encode()})

    assert resolve(SOURCE).name == published
    fetch(SOURCE)
    assert resolve(SOURCE).name == newer
    assert read_recipe(resolve(SOURCE, revision=published)).summary != "A newer one"


def test_cached_and_offline_needs_no_server(hub, published, monkeypatch):
    path = fetch(SOURCE)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.requests.clear()

    assert ready_weights(resolve(SOURCE), read_recipe(resolve(SOURCE))) == path
    assert fetch(f"{SOURCE}@{published}") == path
    assert hub.requests == []


def test_uncached_and_offline_says_what_to_run_elsewhere(
    hub, published, cache, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineError, match=f"`medzoo fetch {SOURCE}@main`") as e:
        fetch(SOURCE)
    assert str(cache) in str(e.value)
    assert hub.requests == []

    monkeypatch.delenv("HF_HUB_OFFLINE")
    folder = resolve(SOURCE)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineError, match="medzoo fetch hf://"):
        ready_weights(folder, read_recipe(folder))


def test_no_server_is_offline_too(hub, published, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")

    with pytest.raises(errors.OfflineError, match="medzoo fetch"):
        fetch(SOURCE)


@pytest.mark.parametrize("fault", ["cut", "stall", 429, 500, 503])
def test_what_passes_is_tried_again(hub, published, weights, fault):
    hub.fail(fault, "/cdn/", times=2)
    hub.fail(429, "/api/models", times=1)

    assert fetch(SOURCE).read_bytes() == weights
    assert len(hub.gets("/cdn/")) == 3


@pytest.mark.parametrize(
    ("fault", "error", "said", "requests"),
    [
        ("cut", errors.OfflineError, "closed at 100000 of 200000", 4),
        ("stall", errors.OfflineError, "timed out", 4),
        (429, errors.OfflineError, "status 429, 4 times", 4),
        (500, errors.OfflineError, "status 500, 4 times", 4),
        (401, errors.OfflineError, "status 401.*hf auth login", 1),
        (403, errors.OfflineError, "status 403", 1),
        (404, errors.OfflineError, "status 404", 1),
        ("less", errors.IntegrityError, "exactly 200000 bytes", 1),
        ("more", errors.IntegrityError, "exactly 200000 bytes", 1),
        ("more_chunked", errors.IntegrityError, "exactly 200000 bytes", 1),
        ("flip", errors.IntegrityError, "must have the hash", 1),
        ("html", errors.IntegrityError, "web page", 1),
        ("loop", errors.OfflineError, "status 302", 4),
        ("file:///etc/hostname", errors.OfflineError, "status 302", 1),
        ("ftp://127.0.0.1/x", errors.IntegrityError, "must not leave http", 1),
    ],
)
def test_what_stays_is_refused_and_nothing_is_left(
    hub, published, cache, fault, error, said, requests
):
    hub.fail(fault, "/cdn/")
    started = time.monotonic()

    with pytest.raises(error, match=said) as caught:
        fetch(SOURCE)

    # A dead line is waited for four times.
    assert time.monotonic() - started < 5 or fault == "stall"
    assert "\n" not in str(caught.value)
    assert len(hub.gets("/cdn/")) == requests
    assert files_in(cache / "models") == []
    assert temporaries(cache) == []
    hub.faults.clear()
    assert fetch(SOURCE).is_file()


@pytest.mark.parametrize(
    ("fault", "path", "error"),
    [
        ("flip", "recipe.json", errors.IntegrityError),
        ("more", "recipe.json", errors.IntegrityError),
        ("html", "recipe.json", errors.IntegrityError),
        ("html", "/api/models", errors.IntegrityError),
        (404, "/api/models", errors.InputError),
        (401, "/api/models", errors.InputError),
        (403, "/api/models", errors.InputError),
        (500, "/api/models", errors.OfflineError),
        ("cut", "/api/models", errors.OfflineError),
        ("stall", "/api/models", errors.OfflineError),
    ],
)
def test_a_listing_or_recipe_that_is_wrong(
    hub, published, cache, fault, path, error, monkeypatch
):
    monkeypatch.setattr("medzoo.zoo.hub.client.TIMEOUT_SECONDS", 0.3)
    hub.fail(fault, path)

    with pytest.raises(error):
        fetch(SOURCE)
    assert files_in(cache) == []


@pytest.mark.parametrize(
    "source",
    [
        "hf://",
        "hf://lab",
        "hf://../tiny",
        "hf://lab/..",
        "hf://lab/tiny/../x",
        "hf://lab/tiny@../../x",
        "hf://lab/tiny@a/../b",
        "hf://lab/tiny@/etc",
        "hf://lab/ti--ny",
        "hf://lab/.tiny",
        "hf://lab/tiny@",
        "hf://lab/tiny@a b",
        "hf://lab/tiny\n",
        "hf://user:secret@host/x",
        "hf://lab/" + "x" * 300,
    ],
)
def test_an_address_that_is_none_reaches_neither_net_nor_disk(hub, cache, source):
    with pytest.raises(errors.InputError):
        fetch(source)
    with pytest.raises(errors.InputError):
        resolve("hf://lab/tiny", revision="../x")
    assert hub.requests == []
    assert not cache.exists()


def test_two_revisions_are_one_too_many(hub, published):
    assert resolve(SOURCE, revision=published).name == published
    with pytest.raises(errors.InputError, match="one revision"):
        resolve(f"{SOURCE}@main", revision=published)
    with pytest.raises(errors.InputError, match="revision"):
        resolve("tiny_age", revision="main")


@pytest.mark.parametrize("answer", ["../../../etc", "0" * 39, "0" * 40, None, 7])
def test_a_commit_that_a_hub_makes_up(hub, published, cache, answer):
    repository = hub.repositories[REPO]
    repository.commits[-1] = (answer, repository.commits[-1][1])
    pinned = f"{SOURCE}@{published}"
    repository.commits.append((published, repository.commits[-1][1]))
    repository.at = lambda revision: repository.commits[0]

    with pytest.raises(errors.IntegrityError, match="Unexpected hub response"):
        fetch(pinned)
    assert files_in(cache) == []


def test_names_in_a_listing_reach_no_path(hub, published, cache, tmp_path):
    hub.put(REPO, {"../../evil": b"x", "/etc/evil": b"x", "sub/../../x.py": b"x"})
    before = {path for path in files_in(tmp_path) if cache not in path.parents}

    fetch(SOURCE)

    names = {path.name for path in files_in(cache)}
    assert names == {"recipe.json", "metrics.json", "model.weights.h5", "main"}
    assert {p for p in files_in(tmp_path) if cache not in p.parents} == before


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"architecture": {"class": "os.system", "arguments": {}}},
        {"architecture": {"class": "ResNet3D", "arguments": {"filters": [10**12]}}},
        {"name": "../evil"},
        {"weights": {"file": "m.keras", "sha256": "0" * 64, "bytes": 1, "urls": []}},
        {"weights": {"file": "../m.weights.h5", "sha256": "0" * 64, "bytes": 1}},
    ],
    ids=repr,
)
def test_a_recipe_of_a_hub_is_read_as_strictly(hub, published, content, cache, change):
    hub.put(REPO, {"recipe.json": json.dumps({**content, **change}).encode()})

    with pytest.raises(errors.RecipeError, match=r"recipe\.json"):
        fetch(SOURCE)
    assert files_in(cache) == []


def test_a_repository_without_a_model(hub):
    hub.put(REPO, {"model.pkl": b"x"})
    with pytest.raises(errors.InputError, match=r"must hold recipe\.json"):
        fetch(SOURCE)
    with pytest.raises(errors.InputError, match="status 404"):
        fetch("hf://lab/other")


def test_a_private_repository_gets_the_token_and_nobody_else_does(
    hub, published, monkeypatch
):
    hub.token = "hf_secret"
    with pytest.raises(errors.InputError, match="HF_TOKEN"):
        fetch(SOURCE)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    path = fetch(SOURCE)
    path.unlink()

    # Another host (by its port) would be told nothing.
    with LoopbackHub() as other:
        other.objects[path.parent.name] = b"x"
        other.token = "hf_secret"
        hub.fail(f"{other.url}/cdn/{path.parent.name}", "/cdn/", times=1)
        with pytest.raises(errors.OfflineError, match="status 401"):
            fetch(f"{SOURCE}@{published}")
        assert len(other.requests) == 1


def test_a_damaged_cache_mends_itself(hub, published, weights):
    path = fetch(SOURCE)
    path.write_bytes(b"\0" + weights[1:])
    assert fetch(f"{SOURCE}@{published}").read_bytes() == weights


def test_the_command(hub, published, weights, capsys):
    assert main(["fetch", SOURCE]) == 0
    path = Path(capsys.readouterr().out.split()[1])
    assert path.read_bytes() == weights
    assert main(["fetch", SOURCE, "no_such_model"]) == 1
    assert "no_such_model" in capsys.readouterr().err
    assert main(["fetch", "../x"]) == 2
    assert main(["fetch"]) == 2
    assert main(["fetch", "--all", "x"]) == 2


def test_verify_finds_what_is_wrong_in_the_cache(hub, published, weights, capsys):
    path = fetch(SOURCE)
    # These bytes are what the recipe names, and yet no weights.
    assert main(["verify", SOURCE]) == 2
    assert "must begin as HDF5" in capsys.readouterr().out
    assert main(["verify", "--json"]) == 1
    rows = {row["subject"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[str(path)]["state"] == "fault"
    path.unlink()
    # Asked for by name, nothing could be verified; of all here, nothing is wrong.
    assert main(["verify", SOURCE]) == 2
    assert f"medzoo fetch {SOURCE}" in capsys.readouterr().out
    assert main(["verify"]) == 0


def test_verify_refuses_weights_that_nothing_says_where_to_find(
    add_model, content, monkeypatch, capsys
):
    monkeypatch.delenv("MEDZOO_MIRROR", raising=False)
    folder = add_model(weights={**content["weights"], "urls": []})
    assert main(["verify", str(folder)]) == 2
    told = capsys.readouterr().out
    assert told.startswith("fault")
    assert "no urls" in told
    assert str(folder) in told


def test_a_trickle_counts_as_a_stall(hub, published, monkeypatch):
    monkeypatch.setattr(transfer, "SLOWEST_SECONDS", 0.05)
    monkeypatch.setattr(transfer, "SLOWEST_BYTES", 1 << 20)
    hub.slow = 0.02
    with pytest.raises(errors.OfflineError, match=r"only \d+ bytes"):
        fetch(SOURCE)
