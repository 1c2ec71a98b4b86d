"""The shader of the previews, and its matrices."""

from __future__ import annotations

from typing import Any

import gpu
import numpy as np
from numpy.typing import NDArray

NEARER = 0.999  # of its distance: where the depth of what is drawn counts, to lie over the object itself
LIGHT = (0.25, 0.45, 0.86)  # from where, in the view's axes: right, up, towards the artist
ATTRIBUTES = {"position": 3, "normal": 3, "uv": 2}
_VERTEX = """
void main() {
  vec4 place = vec4(position, 1.0);
  gl_Position = to_screen * place;
  gl_Position.z = dot(near_z, place) / dot(near_w, place) * gl_Position.w;
  at = uv;
  facing = normal;
}
"""
_FRAGMENT = """
void main() {
  float lit = light.w + (1.0 - light.w) * abs(dot(normalize(facing), light.xyz));
  vec3 shown = texture(image, at).rgb * lit;
  // What is drawn after the view counts as linear light, and is encoded on its way to the screen.
  vec3 dark = shown / 12.92, bright = pow((shown + 0.055) / 1.055, vec3(2.4));
  color = vec4(mix(bright, dark, vec3(lessThanEqual(shown, vec3(0.04045)))), 1.0);
}
"""


def make() -> Any:
    """Needs a GPU: call it while drawing."""
    return gpu.shader.create_from_info(description())


def description() -> Any:
    """What ``make`` makes."""
    between = gpu.types.GPUStageInterfaceInfo("sync_texture_preview")
    between.smooth("VEC2", "at")
    between.smooth("VEC3", "facing")
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "to_screen")
    for name in ("near_z", "near_w", "light"):
        info.push_constant("VEC4", name)
    info.sampler(0, "FLOAT_2D", "image")
    for i, (name, size) in enumerate(ATTRIBUTES.items()):
        info.vertex_in(i, f"VEC{size}", name)
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "color")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return info


def vertex_format() -> Any:
    """Of the shader's vertices."""
    layout = gpu.types.GPUVertFormat()
    for name, size in ATTRIBUTES.items():
        layout.attr_add(id=name, comp_type="F32", len=size, fetch_mode="FLOAT")
    return layout


def set_view(shader: Any, world: NDArray[np.float64], region_view: Any, ambient: float) -> None:
    """Have ``shader`` draw an object with the matrix ``world`` (4, 4) in a 3D view. ambient: how bright it is
    where no light falls, 1 for flat light."""
    view = np.array(region_view.view_matrix, np.float64) @ world
    window = np.array(region_view.window_matrix, np.float64)
    nearer = window @ _towards_artist(region_view) @ view
    light = np.linalg.pinv(view[:3, :3]) @ LIGHT  # in the object's own space, as the normals are
    light /= max(float(np.linalg.norm(light)), 1e-30)
    shader.uniform_float("to_screen", (window @ view).T.ravel().tolist())
    shader.uniform_float("near_z", nearer[2].tolist())
    shader.uniform_float("near_w", nearer[3].tolist())
    shader.uniform_float("light", [*light.tolist(), ambient])


def _towards_artist(region_view: Any) -> NDArray[np.float64]:
    """(4, 4), in the view's axes: a little nearer. Without perspective, its origin lies among the objects."""
    nearer = np.diag([NEARER, NEARER, NEARER, 1.0])
    if not region_view.is_perspective:
        nearer = np.eye(4)
        nearer[2, 3] = (1 - NEARER) * region_view.view_distance
    return nearer
