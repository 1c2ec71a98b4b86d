"""Many jobs: read, shared out among engines, kept track of on disk, summed up."""
