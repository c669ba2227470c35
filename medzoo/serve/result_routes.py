"""Routes of the API about the results of jobs."""

from pathlib import Path
from typing import Any

from medzoo.serve.guard import session_of
from medzoo.serve.jobs import Job
from medzoo.serve.result_files import IMAGE, MAP, REPORT, SCENE, VIEW
from medzoo.serve.server import Server
from medzoo.serve.tables import csv_text, json_records

# File of a result -> its media type.
KINDS = {
    REPORT: "text/html",
    VIEW: "text/html",
    IMAGE: "application/gzip",
    MAP: "application/gzip",
    **dict.fromkeys(SCENE, "application/gzip"),
}
# What the page shows, and nobody saves under a name.
OF_THE_PAGE = (VIEW, *SCENE)
# A report that is opened from here runs nothing of the page's.
SANDBOX = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def result_routes(server: Server) -> Any:
    """Makes the routes.

    Args:
        server: `Server`.

    Returns:
        FastAPI router.
    """
    from fastapi import APIRouter, HTTPException, Request, Response
    from starlette.responses import FileResponse

    router = APIRouter(tags=["results"])

    def found(request: Request, key: str) -> Job:
        return job_of(request, key, HTTPException(404))

    @router.get("/jobs/{job}/results.json")
    def results_as_json(request: Request, job: str, response: Response) -> list[Any]:
        """Gives the numbers, one record a model."""
        one = found(request, job)
        response.headers.update(_saved_as(f"{one.order.case_id}.json"))
        return json_records(one)

    @router.get("/jobs/{job}/results.csv")
    def results_as_csv(request: Request, job: str) -> Response:
        """Gives the numbers as a table, one row a number."""
        one = found(request, job)
        saved = _saved_as(f"{one.order.case_id}.csv")
        return Response(csv_text(one), media_type="text/csv", headers=saved)

    @router.get("/jobs/{job}/models/{model}/{file}")
    def results_as_file(
        request: Request, job: str, model: str, file: str
    ) -> FileResponse:
        """Gives report.html, image.nii.gz, map.nii.gz (explained), or what views show.

        view.html; scan.nii.gz and labels, result or heat.nii.gz over it, 256 levels.
        """
        one = found(request, job)
        if file not in one.results.get(model, {}).get("files", ()):
            raise HTTPException(404)
        place = Path(one.folder, model, file)
        headers = _headers(one, model, file)
        return FileResponse(place, media_type=KINDS[file], headers=headers)

    return router


def job_of(request: Any, key: str, missing: Exception) -> Job:
    """Gives a job of the session that a request is of; raises `missing` without."""
    job = session_of(request).jobs.get(key)
    if job is None:
        raise missing
    return job


def _headers(job: Job, model: str, file: str) -> dict[str, str]:
    if file in OF_THE_PAGE:
        return {}
    kind = "" if job.order.work == "predict" else "_explained"
    name = f"{job.order.case_id}_{model}{kind}{file[file.index('.') :]}"
    return {**_saved_as(name), **(SANDBOX if file == REPORT else {})}


def _saved_as(name: str) -> dict[str, str]:
    # Of letters, digits, ".", "-" and "_" alone: names of cases and models.
    return {"Content-Disposition": f'attachment; filename="{name}"'}
