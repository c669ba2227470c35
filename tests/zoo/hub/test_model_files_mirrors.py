"""Weights from the addresses in a recipe, and from a mirror that the user names."""

import hashlib
import shutil
import ssl
import subprocess

import pytest

from medzoo import errors
from medzoo.zoo.fetch import fetch
from tests.zoo.conftest import REPO
from tests.zoo.hub.loopback_hub import LoopbackHub

SOURCE = f"hf://{REPO}"


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def local(add_model, hub, weights):
    """A function that makes a folder with a recipe without its weights."""

    def make(*urls):
        facts = {
            "file": "model.weights.h5",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
            "urls": list(urls),
        }
        return add_model(weights=facts)

    hub.objects["weights.h5"] = weights
    return make


def test_hub_urls_in_a_recipe(hub, published, local, weights):
    folder = local(f"{SOURCE}/model.weights.h5@{published}")

    assert fetch(folder).read_bytes() == weights
    with pytest.raises(errors.RecipeError, match="urls"):
        fetch(local(f"{SOURCE}/model.weights.h5@main"))
    with pytest.raises(errors.RecipeError, match="urls"):
        fetch(local("file:///etc/hostname"))


def test_the_second_address_serves_where_the_first_fails(hub, published, local):
    gone = f"{SOURCE}/model.weights.h5@{'0' * 40}"
    good = f"{SOURCE}/model.weights.h5@{published}"

    assert fetch(local(gone, good)).is_file()


@pytest.fixture
def https(tmp_path, monkeypatch):
    """A server whose certificate this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-days 2 -subj /CN=x -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with LoopbackHub(context) as server:
        yield server


def test_https_mirrors(local, weights, https, hub, monkeypatch):
    https.objects["weights.h5"] = weights
    folder = local(f"{https.url}/plain/weights.h5")
    https.fail(f"{hub.url}/plain/weights.h5", "/plain/")

    with pytest.raises(errors.IntegrityError, match="must not leave https"):
        fetch(folder)
    assert hub.requests == []
    https.faults.clear()
    assert fetch(folder).read_bytes() == weights


def test_a_certificate_that_nobody_vouches_for(local, https, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(errors.OfflineError, match="SSL_CERT_FILE"):
        fetch(local(f"{https.url}/plain/weights.h5"))


def test_a_mirror_in_the_file_system(local, weights, cache, tmp_path, monkeypatch):
    folder = local("https://127.0.0.1:9/never/asked")
    digest = hashlib.sha256(weights).hexdigest()
    place = tmp_path / "share" / "tiny_age" / digest / "model.weights.h5"
    place.parent.mkdir(parents=True)
    place.write_bytes(weights)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("MEDZOO_MIRROR", f"file://{tmp_path}/share")

    assert fetch(folder).read_bytes() == weights
    shutil.rmtree(cache)
    place.write_bytes(weights[:-1] + b"\0")
    with pytest.raises(errors.IntegrityError, match="hash"):
        fetch(folder)
    assert files_in(cache) == []
    monkeypatch.setenv("MEDZOO_MIRROR", "http://example.org")
    with pytest.raises(errors.InputError, match="https:// or file:///"):
        fetch(folder)


def test_nowhere_to_fetch_from(local):
    with pytest.raises(errors.MissingFileError, match="no urls"):
        fetch(local())
