"""The diffusion model: schedule, steps and network. Knows neither meshes nor views."""
