"""Routes of the API about sessions and models."""

from typing import Any

from medzoo.serve.api_answers import model_infos, session_info
from medzoo.serve.api_types import ModelInfo, OpenedSession, SessionInfo
from medzoo.serve.guard import NO_TOKEN, cookie_name, session_of
from medzoo.serve.server import Server
from medzoo.serve.sessions import Session


def session_routes(server: Server) -> Any:
    """Makes the routes.

    Args:
        server: `Server`.

    Returns:
        FastAPI router.
    """
    from fastapi import APIRouter, HTTPException, Request, Response

    router = APIRouter(tags=["session"])

    @router.post("/session", status_code=201)
    def open_session(request: Request, response: Response) -> OpenedSession:
        """Opens a session: Authorization: Bearer TOKEN, as the server printed it."""
        if not request.state.opens:
            raise HTTPException(403, NO_TOKEN)
        session = server.sessions.create()
        set_cookie(response, request, session)
        return OpenedSession(session.secret)

    @router.get("/session")
    def read_session(request: Request) -> SessionInfo:
        """Tells of the session: its scans, its jobs, and when it ends."""
        return session_info(server, session_of(request))

    @router.delete("/session", status_code=204)
    def end_session(request: Request, response: Response) -> None:
        """Ends the session: its jobs are cancelled, all it holds is deleted."""
        server.sessions.close(session_of(request))
        response.delete_cookie(cookie_name(request.scope))

    @router.get("/models")
    def list_models() -> list[ModelInfo]:
        """Lists the models on offer."""
        return model_infos(server)

    @router.get("/models/{name}/card")
    def read_card(name: str) -> Response:
        """Gives the facts about a model: licence, data, errors, limits, as HTML."""
        if name not in server.models:
            raise HTTPException(404)
        return Response(server.models[name].card(), media_type="text/html")

    return router


def set_cookie(response: Any, request: Any, session: Session) -> None:
    """Gives a browser the secret of its session, which no script can read."""
    response.set_cookie(
        cookie_name(request.scope), session.secret, httponly=True, samesite="lax"
    )
