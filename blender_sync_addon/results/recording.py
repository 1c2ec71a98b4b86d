"""The result of a job put on its objects, and into the list that each keeps of its results.

Everything that can fail comes before the first change.
"""

from __future__ import annotations

import uuid

import bpy

from ..jobs.job_object import JobResult, TexturedObject
from ..jobs.texture_job import Outcome, TextureJob
from . import history, thumbnail
from .history import NewResult


def finish(job: TextureJob, pack: bool = False) -> Outcome:
    """Put the result of the ended ``job`` into the .blend. pack: the images too, even where they could lie
    beside it. Raises Problem: what the job ended with otherwise, or why its objects can't take the result."""
    return job.outcome(show(job.result(pack)))


def show(result: JobResult) -> tuple[TexturedObject, ...]:
    """Show ``result`` on its objects, and list it there. Raises Problem."""
    result.check()
    job = uuid.uuid4().hex
    with history.up_to_date(*(one.object() for one in result.objects)):
        textured = tuple(_show(result, number, job) for number in range(len(result.objects)))
    for image in result.images.made:
        thumbnail.store(image, result.sheet)
    return textured


def _show(result: JobResult, number: int, job: str) -> TexturedObject:
    one = result.objects[number]
    obj = one.object()
    before = history.snapshot(obj)
    textured = result.show(number)
    material = bpy.data.materials[textured.materials[0], None]  # the file's own, not a library's
    history.add(obj, before, NewResult(result.prompt, material, one.start_material, job, number))
    return textured
