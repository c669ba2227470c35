"""Routes of the API about jobs and their results."""

from pathlib import Path
from typing import Any

from medzoo.serve.api_answers import job_info
from medzoo.serve.api_types import JobInfo, JobRequest
from medzoo.serve.guard import session_of
from medzoo.serve.jobs import Job
from medzoo.serve.prediction import IMAGE, REPORT, VIEW
from medzoo.serve.server import Server
from medzoo.serve.tables import csv_text, json_records

# File of a result -> its media type; a page alone is not saved under a name.
KINDS = {REPORT: "text/html", VIEW: "text/html", IMAGE: "application/gzip"}
# A report that is opened from here runs nothing of the page's.
SANDBOX = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def job_routes(server: Server) -> Any:
    """Makes the routes.

    Args:
        server: `Server`.

    Returns:
        FastAPI router.
    """
    from fastapi import APIRouter, HTTPException, Request, Response
    from starlette.responses import FileResponse

    router = APIRouter(tags=["jobs"])

    def found(request: Request, key: str) -> Job:
        job = session_of(request).jobs.get(key)
        if job is None:
            raise HTTPException(404)
        return job

    @router.post("/jobs", status_code=202)
    def start(request: Request, wanted: JobRequest) -> JobInfo:
        """Puts models on scans of this session into the queue."""
        job = server.make_job(
            session_of(request),
            wanted.models,
            wanted.channels,
            wanted.series,
            (wanted.age, wanted.sex),
        )
        return job_info(server, job)

    @router.get("/jobs/{job}")
    def read(request: Request, job: str) -> JobInfo:
        """Tells of a job: state, progress, results as far as there are any."""
        return job_info(server, found(request, job))

    @router.delete("/jobs/{job}", status_code=204)
    def cancel(request: Request, job: str) -> None:
        """Cancels a job; of one that has ended, deletes the results."""
        session_of(request).drop(found(request, job))

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
        """Gives report.html, view.html, or image.nii.gz (labels, or an image)."""
        one = found(request, job)
        if file not in one.results.get(model, {}).get("files", ()):
            raise HTTPException(404)
        headers = {}
        if file != VIEW:
            headers = _saved_as(f"{one.order.case_id}_{model}{_suffix(file)}")
        headers |= SANDBOX if file == REPORT else {}
        place = Path(one.folder, model, file)
        return FileResponse(place, media_type=KINDS[file], headers=headers)

    return router


def _saved_as(name: str) -> dict[str, str]:
    # Of letters, digits, ".", "-" and "_" alone: names of cases and models.
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _suffix(file: str) -> str:
    return file[file.index(".") :]
