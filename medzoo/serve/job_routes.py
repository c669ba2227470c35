"""Routes of the API about jobs."""

from typing import Any

from medzoo.serve.api_answers import job_info
from medzoo.serve.api_types import JobInfo, JobRequest
from medzoo.serve.guard import session_of
from medzoo.serve.result_routes import job_of
from medzoo.serve.server import Server


def job_routes(server: Server) -> Any:
    """Makes the routes.

    Args:
        server: `Server`.

    Returns:
        FastAPI router.
    """
    from fastapi import APIRouter, HTTPException, Request

    router = APIRouter(tags=["jobs"])

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

    @router.post("/jobs/{job}/models/{model}/explanation", status_code=202)
    def explain(request: Request, job: str, model: str) -> JobInfo:
        """Puts a job into the queue that tells what in the scan a result rests on.

        Its files are map.nii.gz and report.html, its table the effects of regions.
        """
        of = job_of(request, job, HTTPException(404))
        return job_info(server, server.make_explanation(session_of(request), of, model))

    @router.get("/jobs/{job}")
    def read(request: Request, job: str) -> JobInfo:
        """Tells of a job: state, progress, results as far as there are any."""
        return job_info(server, job_of(request, job, HTTPException(404)))

    @router.delete("/jobs/{job}", status_code=204)
    def cancel(request: Request, job: str) -> None:
        """Cancels a job; of one that has ended, deletes the results."""
        session_of(request).drop(job_of(request, job, HTTPException(404)))

    return router
