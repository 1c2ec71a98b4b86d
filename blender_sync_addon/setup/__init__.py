"""Setting up: the engine's private environment, the doctor's findings, the models on this computer.

Nearly all of it is without bpy, since it runs beside Blender in a thread.
"""
