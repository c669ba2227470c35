"""The page in a browser: from a dropped scan to labels on the screen, and contrast."""

import socket
import threading
import time

import pytest

from tests.serve.browser import WIDTHS, finish, violations

pytestmark = pytest.mark.extended

# Whether a view shows anything but grey.
COLOURED = """() => {
  const canvas = document.querySelector(".viewer canvas");
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  for (let at = 0; at < pixels.length; at += 4) {
    if (Math.abs(pixels[at] - pixels[at + 2]) > 20) return true;
  }
  return false;
}"""
# What another site's page would do to the server, and what became of it.
TRIED = """async (root) => {
  const found = [];
  for (const method of ["POST", "DELETE", "GET"]) {
    const options = { method, credentials: "include" };
    try { found.push((await fetch(`${root}/api/v1/session`, options)).status); }
    catch { found.push("blocked"); }
  }
  return found;
}"""


def test_three_actions_lead_to_labels_on_the_screen(page, head):
    # The first was to open the address.
    view = page.page
    view.set_input_files("#files", head)
    view.wait_for_selector("#scans li:not(.pending)")
    view.click("#run")
    finish(view)

    assert view.locator(".viewer canvas").count() == 3
    assert view.locator("input[data-class]").count() == 2
    assert view.evaluate(COLOURED)
    view.locator(".opacity").fill("0")
    assert not view.evaluate(COLOURED)
    view.click(".viewer canvas >> nth=0")
    assert view.locator(".cross").first.is_visible()
    with view.expect_download() as saved:
        view.get_by_text("Label map (NIfTI)").click()
    assert saved.value.suggested_filename == "head_tiny_tissue.nii.gz"
    assert page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_screen(page, head, scheme):
    view = page.page
    view.emulate_media(color_scheme=scheme)
    assert violations(view) == []
    view.set_input_files("#files", head)
    view.wait_for_selector("#scans li:not(.pending)")
    for name in ("tiny_age", "tiny_sex"):
        view.check(f"#model-{name}")
    view.click("#run")
    finish(view)
    view.wait_for_selector("text=tiny_tissue@1.2")
    for width, height in WIDTHS.values():
        view.set_viewport_size({"width": width, "height": height})
        assert violations(view) == []
        beyond = "document.documentElement.scrollWidth - window.innerWidth"
        assert view.evaluate(beyond) <= 0
    view.get_by_role("button", name="Card of tiny_age").click()
    view.wait_for_selector("dialog[open] table")
    assert violations(view) == []


def test_the_keyboard_alone_suffices(page, head):
    view = page.page
    view.set_input_files("#files", head)  # the dialog of the system is not the page's
    view.wait_for_selector("#scans li:not(.pending)")
    reached = []
    view.locator("body").focus()
    for _ in range(40):
        view.keyboard.press("Tab")
        name = view.evaluate(
            "document.activeElement.id || document.activeElement.tagName"
        )
        reached.append(name)
        if name == "run":
            break
    assert {"files", "model-tiny_tissue", "run"} <= set(reached)
    view.keyboard.press("Enter")
    finish(view)
    slider = view.locator(".slider input").first
    slider.focus()
    before = slider.input_value()
    view.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == int(before) + 1


def test_what_cannot_run_says_why(page, truncated, tmp_path):
    view = page.page
    # It is no dead button: the keyboard reaches it and reads why.
    view.focus("#run")
    view.keyboard.press("Enter")
    assert view.text_content("#why") == "Add a scan."
    assert view.locator(".job").count() == 0
    hostile = tmp_path / "<img src=x onerror=alert(1)>.nii.gz"
    hostile.write_bytes(truncated)
    view.set_input_files("#files", hostile)
    error = view.locator("#scans .error")
    error.wait_for()

    assert "truncated" in error.text_content()
    assert view.locator("#scans img").count() == 0
    assert hostile.name in view.locator("#scans strong").text_content()
    view.uncheck("#model-tiny_tissue")
    assert view.text_content("#why") == "Choose a model."


def test_a_reload_shows_what_the_session_holds_until_it_is_deleted(page, head):
    view = page.page
    view.set_input_files("#files", head)
    view.wait_for_selector("#scans li:not(.pending)")
    view.click("#run")
    finish(view)
    view.reload()
    finish(view)
    assert view.locator("#scans li").count() == 1
    view.click("#end")
    view.get_by_text("Everything was deleted.").wait_for()
    view.reload()
    assert "A token is needed" in view.content()


def test_two_browsers_do_not_see_each_others_scans(page, chromium, address, head):
    page.page.set_input_files("#files", head)
    page.page.wait_for_selector("#scans li:not(.pending)")
    other = chromium.new_context()
    view = other.new_page()
    view.goto(address)
    view.wait_for_selector(".choice")

    assert view.locator("#scans li").count() == 0
    other.close()


def test_a_page_of_another_site_can_do_nothing(chromium, address):
    root = address.partition("/?")[0]
    context = chromium.new_context()
    own = context.new_page()
    own.goto(address)
    own.wait_for_selector(".choice")
    with elsewhere() as site:
        view = context.new_page()
        view.goto(site)
        assert view.evaluate(TRIED, root) == ["blocked"] * 3
    own.reload()
    own.wait_for_selector(".choice")
    context.close()


class elsewhere:  # noqa: N801 - used as a function
    """A site of another origin on loopback, which serves one empty page."""

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://localhost:{self._socket.getsockname()[1]}/"

    def _serve(self):
        answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>other</p>"
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                time.sleep(0.01)

    def __exit__(self, *_):
        self._socket.close()
