"""Routes of the page itself: its files, the scan that is looked at, the API's page."""

from importlib import resources
from typing import Any

from medzoo.serve.api_page import api_page
from medzoo.serve.guard import session_of
from medzoo.serve.server import Server
from medzoo.serve.session_routes import set_cookie

# Name of a file of the page -> package, file and media type. The viewer and its style
# are the report's own.
OWN = ("api", "elements", "folders", "jobs", "models", "scans", "scene", "serve", "zip")
# Built into the wheel, see hatch_build.py; a checkout may lack it.
NIIVUE = "niivue.js"
FILES = {
    "report.css": ("medzoo.reporting", "page.css", "text/css"),
    "report.js": ("medzoo.reporting", "page.js", "text/javascript"),
    "serve.css": ("medzoo.serve", "page/serve.css", "text/css"),
    "icon.svg": ("medzoo.serve", "page/icon.svg", "image/svg+xml"),
    **{
        f"{name}.js": ("medzoo.serve", f"page/{name}.js", "text/javascript")
        for name in OWN
    },
    NIIVUE: ("medzoo.serve", f"page/{NIIVUE}", "text/javascript"),
}
# How the page learns of it.
SLICES_ALONE, WITH_NIIVUE = 'data-views="slices"', 'data-views="slices niivue"'


def page_routes(server: Server, app: Any) -> Any:
    """Makes the routes.

    Args:
        server: `Server`.
        app: FastAPI application, whose API the page /api describes.

    Returns:
        FastAPI router.
    """
    from fastapi import APIRouter, HTTPException, Request
    from starlette.responses import HTMLResponse, RedirectResponse, Response

    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def index(request: Request) -> Response:
        if not request.state.opens:
            page = _text("medzoo.serve", "page/index.html")
            if has_niivue():
                page = page.replace(SLICES_ALONE, WITH_NIIVUE)
            return HTMLResponse(page)
        # The token leaves the address bar, as with Jupyter.
        answer = RedirectResponse("/", 303)
        if session_of(request) is None:
            set_cookie(answer, request, server.sessions.create())
        return answer

    @router.get("/api")
    def describe_api() -> HTMLResponse:
        return HTMLResponse(api_page(app.openapi()))

    @router.get("/files/{name}")
    def read_file(name: str) -> Response:
        if name not in FILES or (name == NIIVUE and not has_niivue()):
            raise HTTPException(404)
        package, file, kind = FILES[name]
        return Response(_text(package, file), media_type=kind)

    return router


def has_niivue() -> bool:
    """Whether the 3-D viewer is part of this installation."""
    return resources.files("medzoo.serve").joinpath(f"page/{NIIVUE}").is_file()


def _text(package: str, file: str) -> str:
    return resources.files(package).joinpath(file).read_text("utf-8")
