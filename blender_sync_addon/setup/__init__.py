"""Setting up: the engine's private environment, the doctor's findings, the models on this computer.

``operators`` and ``draw`` are Blender's side; everything else is without bpy.
"""
