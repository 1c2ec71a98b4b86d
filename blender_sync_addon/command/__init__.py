"""``blender --command sync_texture``: for pipelines."""
