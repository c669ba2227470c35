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


def finish(page):
    page.get_by_text(re.compile(r"^Done in")).first.wait_for()
    page.wait_for_selector(".viewer canvas:not([hidden])")
