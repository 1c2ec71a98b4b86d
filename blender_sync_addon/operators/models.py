"""What Preferences can do with models: list, download, verify, delete, link, use."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..problem import Problem, Stopped
from ..setup import engine_python, models
from ..setup.activity import Activity
from ..setup.status import OnDone, setup_status
from .background_work import BackgroundOperator, Work

ONLINE = "Turn on Allow Online Access in Preferences > System > Network."


class _ModelsOperator(BackgroundOperator):
    """An operator on models; the list is read again afterwards."""

    def arguments(self) -> list[str]:
        """What follows ``models``; none: only list them. Raises Problem."""
        return []

    def job(self) -> tuple[Work, OnDone]:
        arguments = self.arguments()
        listing = engine_python.command(["--json-errors", "models", "list", "--json"])
        command = (
            engine_python.command(["--json-errors", "models", *arguments, "--json"]) if arguments else None
        )

        def work(activity: Activity) -> object:
            try:
                if command:
                    activity.say(self.title)
                    models.run_command(activity, command)
            except Problem as problem:
                if not isinstance(problem, Stopped):
                    setup_status.models = models.list_models(activity, listing)
                raise
            return models.list_models(activity, listing)

        return work, _listed


def _listed(answer: Any) -> None:
    setup_status.models = answer


class ListModels(_ModelsOperator, bpy.types.Operator):
    """Look which models are on this computer"""

    bl_idname = "sync_texture.models_list"
    bl_label = "Look for Models"
    title = "Looking for models"


class _OneModelOperator(_ModelsOperator):
    name: StringProperty(name="Model", description="The model's name")


class DownloadModel(_OneModelOperator, bpy.types.Operator):
    """Download the model; what is there already isn't downloaded again"""

    bl_idname = "sync_texture.model_download"
    bl_label = "Download Model"
    title = "Downloading a model"

    def arguments(self) -> list[str]:
        if not bpy.app.online_access:
            raise Problem("Blender's online access is off, so nothing can be downloaded", ONLINE)
        return ["download", self.name]


class VerifyModel(_OneModelOperator, bpy.types.Operator):
    """Check all of the model's files against what was published"""

    bl_idname = "sync_texture.model_verify"
    bl_label = "Verify Model"
    title = "Verifying a model"

    def arguments(self) -> list[str]:
        return ["verify", self.name]


class DeleteModel(_OneModelOperator, bpy.types.Operator):
    """Delete the model's files from this computer. Of a model of your own, only the link"""

    bl_idname = "sync_texture.model_delete"
    bl_label = "Delete Model"
    title = "Deleting a model"

    def invoke(self, context: Any, event: Any) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def arguments(self) -> list[str]:
        return ["delete", self.name]


class LinkModel(_ModelsOperator, bpy.types.Operator):
    """Add a model or LoRA of your own to the list: a folder in diffusers layout, a .safetensors file, or
    another program's folder of models. It stays where it is"""

    bl_idname = "sync_texture.model_link"
    bl_label = "Link Model"
    title = "Linking a model"

    filepath: StringProperty(
        name="File", subtype="FILE_PATH", description="The .safetensors file, or the folder"
    )
    filter_glob: StringProperty(default="*.safetensors", options={"HIDDEN"})
    name: StringProperty(name="Name", description="What to call it. Empty: as the file or folder is called")

    def invoke(self, context: Any, _event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def arguments(self) -> list[str]:
        path = Path(bpy.path.abspath(self.filepath))
        chosen = path if path.is_file() else path.parent if not path.is_dir() else path
        name = self.name.strip() or "".join(c if c.isalnum() or c in "._-" else "-" for c in chosen.stem)[:40]
        return ["link", name, str(chosen)]


CLASSES = (ListModels, DownloadModel, VerifyModel, DeleteModel, LinkModel)
