"""What the tests of the page in a browser share."""

import re

WIDTHS = {"phone": (390, 844), "laptop": (1280, 800), "wide": (1920, 1080)}
QUIET = [
    "--no-sandbox",
    # WebGL without a graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MILLISECONDS = 180_000


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found]


def reach(page, wanted, most=150):
    """Presses Tab until an element has the focus, as somebody without a mouse does."""
    wanted.wait_for()
    for _ in range(most):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {wanted}")


def press(page, wanted, key="Enter"):
    """Reaches an element by the keyboard and presses a key."""
    reach(page, wanted)
    page.keyboard.press(key)


def finish(page):
    page.get_by_text(re.compile(r"^Done in")).first.wait_for()
    page.wait_for_selector(".viewer canvas:not([hidden])")
