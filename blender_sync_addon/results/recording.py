"""The result of a job put on its objects, and into the list that each keeps of its results.

Everything is decoded and checked before the first change; on any error after it all is as it was before.
"""

from __future__ import annotations

import uuid

import bpy

from ..jobs.job_object import JobResult, TexturedObject
from ..jobs.texture_job import Outcome, TextureJob
from ..write import image as write_image
from . import history, thumbnail
from .all_or_none import all_or_none, in_words
from .history import NewResult


def finish(job: TextureJob, pack: bool = False) -> Outcome:
    """Put the result of the ended ``job`` into the .blend, on all of its objects or on none. pack: the images
    too, even where they could lie beside it. Raises Problem: what the job ended with otherwise, or why its
    objects can't take the result."""
    with in_words(job.name):
        result = job.result(pack)
    return job.outcome(show(result))


def show(result: JobResult) -> tuple[TexturedObject, ...]:
    """Show ``result`` on its objects, and list it there. Raises Problem; nothing has changed then."""
    with in_words(result.objects[0].name):
        result.check()
        objects = [one.object() for one in result.objects]
    with all_or_none(objects, lambda: write_image.remove(result.images.files)):
        result.make_images()
        for image in result.images.made:
            thumbnail.store(image, result.received.sheet)
        job = uuid.uuid4().hex
        with history.up_to_date(*objects):
            return tuple(_show(result, number, job) for number in range(len(objects)))


def _show(result: JobResult, number: int, job: str) -> TexturedObject:
    one = result.objects[number]
    obj = one.object()
    before = history.snapshot(obj)
    textured = result.show(number)
    material = bpy.data.materials[textured.materials[0], None]  # the file's own, not a library's
    history.add(obj, before, NewResult(result.prompt, material, one.start_material, job, number))
    return textured
