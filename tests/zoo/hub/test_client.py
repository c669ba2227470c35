"""What a hub or a server of data says is bounded, and believed in nothing."""

import time

import pytest

from medzoo.datasets.download import download
from medzoo.errors import IntegrityError, MedzooError
from medzoo.zoo.hub import client
from medzoo.zoo.recipe.hub_address import parse_model
from tests.test_transport import server  # noqa: F401 - a fixture
from tests.zoo.conftest import REPO
from tests.zoo.hub import loopback_hub

MODEL = parse_model(f"hf://{REPO}")
MEBIBYTE = 1 << 20


def test_an_endless_listing_ends(hub, published, monkeypatch):
    monkeypatch.setattr(client, "MOST_LISTED", MEBIBYTE)
    assert client.list_files(MODEL)[0] == published
    hub.fail("more_chunked", "/api/models")
    began = time.monotonic()
    with pytest.raises(IntegrityError, match="at most"):
        client.list_files(MODEL)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "answer",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"sha": 3}',
        b'{"sha": "main", "siblings": [{}]}',
        b'{"sha": "../../x", "siblings": []}',
        b'{"sha": "%s", "siblings": [{"rfilename": "a", "lfs": 3}]}' % (b"a" * 40),
    ],
)
def test_a_listing_that_is_none_is_one_sentence(hub, published, monkeypatch, answer):
    monkeypatch.setitem(loopback_hub._OTHER_BYTES, "html", lambda content: answer)
    hub.fail("html", "/api/models")
    with pytest.raises(IntegrityError) as caught:
        client.list_files(MODEL)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 16))


def test_an_endless_data_set_ends(server, tmp_path):  # noqa: F811
    with pytest.raises(IntegrityError, match="at most"):
        download(server(endless), tmp_path / "a", md5="0" * 32, most=MEBIBYTE)
    kept = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert kept <= 2 * MEBIBYTE
    assert not (tmp_path / "a").exists()


def test_a_server_of_data_that_talks_garbage_is_one_sentence(server, tmp_path):  # noqa: F811
    address = server(lambda connection: connection.sendall(b"garbage\r\n\r\n"))
    with pytest.raises(MedzooError) as caught:
        download(address, tmp_path / "a", md5="0" * 32)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
