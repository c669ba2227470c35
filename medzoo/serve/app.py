"""The web application: routes of the page and of the API, behind the guard."""

import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from medzoo._version import __version__
from medzoo.errors import MedzooError, ResourceError
from medzoo.serve.api_types import ErrorInfo
from medzoo.serve.guard import Guard
from medzoo.serve.job_routes import job_routes
from medzoo.serve.page_routes import page_routes
from medzoo.serve.result_routes import result_routes
from medzoo.serve.scan_routes import scan_routes
from medzoo.serve.server import Server
from medzoo.serve.session_routes import session_routes

SWEEP_SECONDS = 5.0
DESCRIPTION = (
    "Scans in, results of models out. Open a session with POST /api/v1/session and the "
    "token that `medzoo serve` printed (Authorization: Bearer TOKEN); send its secret "
    "with every further request. PUT a scan to /api/v1/scans?name=NAME, POST a job, "
    "ask for it until its state is done, and get its files. A refusal is "
    '{"error": text}.'
)


def make_app(server: Server) -> Any:
    """Makes the ASGI application of a server, which starts and ends with it.

    Args:
        server: `Server`.

    Returns:
        FastAPI application.
    """
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse

    app = FastAPI(
        title="medzoo",
        version=__version__,
        description=DESCRIPTION,
        # FastAPI's own pages fetch their scripts from a content network.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=_lifespan(server),
        responses={"4XX": {"model": ErrorInfo}},
    )
    for routes in (session_routes, scan_routes, job_routes, result_routes):
        app.include_router(routes(server), prefix="/api/v1")
    app.include_router(page_routes(server, app))

    def refused(request: Any, error: Exception) -> Any:
        status, text = _refusal(error)
        return JSONResponse({"error": text}, status)

    for kind in (MedzooError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, refused)
    app.add_middleware(Guard, server=server)
    return app


def _refusal(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error; an unexpected one is told in the log alone."""
    if isinstance(error, MedzooError):
        return (413 if isinstance(error, ResourceError) else 400), str(error)
    status = getattr(error, "status_code", None)
    if status is not None:
        return status, f"{error.detail}." if status != 404 else NOT_HERE
    if hasattr(error, "errors"):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "body"
        return 422, (
            f"A request must be as the API has it. Received: {place}: {first['msg']}. "
            "See /api."
        )
    traceback.print_exception(error, file=sys.stderr)
    return 500, "The server failed. Its log, in the terminal, says where."


NOT_HERE = (
    "There must be something at this address. Received: nothing, or what a session "
    "that has ended held. Start again at /."
)


def _lifespan(server: Server) -> Any:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        import asyncio

        from starlette.concurrency import run_in_threadpool

        async def sweep() -> None:
            while True:
                await asyncio.sleep(SWEEP_SECONDS)
                await run_in_threadpool(server.sessions.expire)

        server.start()
        sweeping = asyncio.create_task(sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            await run_in_threadpool(server.end)

    return lifespan
