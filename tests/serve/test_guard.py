"""Who may come in: a token, a host that nobody can rebind, the server's own pages."""

import pytest

from medzoo.serve.guard import HEADERS
from tests.serve.conftest import ADDRESS

ROUTES = [
    ("GET", "/"),
    ("GET", "/api"),
    ("GET", "/files/serve.js"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/session"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/models"),
    ("PUT", "/api/v1/scans?name=a.nii"),
    ("POST", "/api/v1/jobs"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_without_token_nothing_is_given(visit, method, path, headers, error_of):
    stranger = visit(token=None).client
    answer = stranger.request(method, path, headers=headers, follow_redirects=False)

    assert "A token is needed" in error_of(answer, 403)


def test_the_token_in_the_address_becomes_a_cookie(visit, running):
    browser = visit(token=None).client
    first = browser.get(f"/?token={running.server.token}", follow_redirects=False)
    page = browser.get("/")

    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert page.status_code == 200
    assert running.server.token not in page.text


def test_the_address_opened_again_keeps_the_session(visit, running, head):
    browser = visit()
    browser.upload(head)
    browser.client.get(f"/?token={running.server.token}")

    assert len(browser.get("/session").json()["scans"]) == 1


def test_the_token_opens_nothing_but_a_session(visit, running, error_of):
    stranger = visit(token=None)
    given = {"Authorization": f"Bearer {running.server.token}"}

    error_of(stranger.get("/models", headers=given), 403)
    error_of(stranger.get("/session", params={"token": running.server.token}), 403)


def test_a_script_sends_the_secret_of_its_session(visit):
    secret = visit().secret
    script = visit(token=None)

    given = {"Authorization": f"Bearer {secret}"}
    assert script.get("/session", headers=given).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "[::1]:8765"])
def test_addresses_of_this_machine_are_hosts(visitor, host):
    assert visitor.get("/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "",
        "localhost.evil",
    ],
)
def test_another_host_is_refused_even_with_the_cookie(visitor, host, error_of):
    assert "another host" in error_of(
        visitor.get("/session", headers={"Host": host}), 403
    )


def test_a_name_that_was_allowed_is_a_host(visitor, running, monkeypatch):
    monkeypatch.setattr(running.server, "hosts", ("box.lab",))

    headers = {"Host": "box.lab:8765"}
    assert visitor.get("/session", headers=headers).status_code == 200


def test_other_machines_are_hosts_where_they_may_come(visitor, running, monkeypatch):
    monkeypatch.setattr(running.server, "loopback_only", False)

    assert visitor.get("/session", headers={"Host": "192.0.2.1"}).status_code == 200
    assert visitor.get("/session", headers={"Host": "a.example"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/scans"), ("POST", "/jobs"), ("DELETE", "/session")]
)
def test_another_sites_page_cannot_post(visitor, method, path, headers, error_of):
    answer = visitor.client.request(method, f"/api/v1{path}", headers=headers)

    assert "Another site" in error_of(answer, 403)
    assert visitor.get("/session").status_code == 200


def test_own_pages_and_links_elsewhere_may(visitor):
    own = {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    picture = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}

    assert visitor.post("/jobs", headers=own, json={}).status_code == 422
    assert visitor.client.get("/", headers=link).status_code == 200
    assert visitor.client.get("/", headers=picture).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api", "/files/serve.css", "/api/v1/session"])
def test_every_answer_forbids_scripts_of_others(visitor, path):
    found = visitor.client.get(path).headers

    assert {name: found[name] for name in HEADERS} == HEADERS
    assert "script-src 'self';" in found["content-security-policy"]


def test_large_and_endless_requests_are_refused(visitor, error_of):
    large = visitor.post("/jobs", content=b"x" * 70_000)
    endless = visitor.post("/jobs", content=iter([b"{}"]))

    assert "at most 65536 bytes" in error_of(large, 413)
    assert "length" in error_of(endless, 411)


def test_nothing_speaks_websocket(visitor):
    from starlette.websockets import WebSocketDisconnect

    with (
        pytest.raises(WebSocketDisconnect),
        visitor.client.websocket_connect("/api/v1/session"),
    ):
        pass
