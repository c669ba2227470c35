"""Routes of the API about scans."""

from typing import Any

from medzoo.serve.api_answers import scan_info
from medzoo.serve.api_types import ScanInfo
from medzoo.serve.guard import session_of
from medzoo.serve.server import Server
from medzoo.serve.uploads import receive_scan

ANY_BYTES = {"application/octet-stream": {"schema": {"format": "binary"}}}


def scan_routes(server: Server) -> Any:
    """Makes the routes.

    Args:
        server: `Server`.

    Returns:
        FastAPI router.
    """
    from fastapi import APIRouter, HTTPException, Request

    router = APIRouter(tags=["scans"])

    @router.put(
        "/scans",
        status_code=201,
        openapi_extra={"requestBody": {"required": True, "content": ANY_BYTES}},
    )
    async def upload(request: Request, name: str = "scan") -> ScanInfo:
        """Takes a scan as the body of the request, and says what it holds.

        NIfTI, NRRD, MetaImage, FreeSurfer's MGH, a DICOM file, or a zip of DICOM.
        """
        session = session_of(request)
        told = request.headers.get("content-length", "")
        length = int(told) if told.isdecimal() else None
        scan = await receive_scan(
            server, session, name, length, request.stream(), request.is_disconnected
        )
        server.sessions.touch(session)
        return scan_info(scan)

    @router.delete("/scans/{scan}", status_code=204)
    def remove(request: Request, scan: str) -> None:
        """Deletes a scan."""
        try:
            session_of(request).remove(scan)
        except KeyError:
            raise HTTPException(404) from None

    return router
