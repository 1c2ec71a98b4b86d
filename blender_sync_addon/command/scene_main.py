"""Run in Blender by the engine, see scene_exchange.py: ``blender -b ... --python FILE -- FOLDER``.

A Python with bpy runs it as well: ``python FILE FOLDER``. The extension needn't be installed.
"""

import importlib
import os
import sys
import types
from pathlib import Path

package = types.ModuleType("sync_texture")
package.__path__ = [str(Path(__file__).resolve().parents[2])]
sys.modules["sync_texture"] = package
importlib.import_module("sync_texture.blender_sync_addon").register()
importlib.import_module("sync_texture.blender_sync_addon.command.scene_exchange").answer(Path(sys.argv[-1]))
sys.stdout.flush()
os._exit(0)  # bpy as a module doesn't always get through its own clean-up
