"""What lies behind what is painted in views that are rendered from it: a plain colour for each view.

Published: at first any of fourteen named colours, then black or white, each step anew, so that nothing of the
background gets into the object; towards the end it stays. Their code keeps the first choice for ever, and its
dark colours (maroon, olive, green, teal, navy, purple) all come out black; here neither is so. For a model
that takes such colours for the object's, every view has the same grey behind it all the time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..denoise.levels import Schedule

# Published: the web's sixteen basic colours without its two greys. Red, green, blue; black and white first.
COLOURS = (
    (0.0, 0.0, 0.0),
    (1.0, 1.0, 1.0),
    (0.5, 0.0, 0.0),  # maroon
    (1.0, 0.0, 0.0),
    (0.5, 0.5, 0.0),  # olive
    (1.0, 1.0, 0.0),
    (0.0, 0.5, 0.0),  # green
    (0.0, 1.0, 0.0),
    (0.0, 0.5, 0.5),  # teal
    (0.0, 1.0, 1.0),
    (0.0, 0.0, 0.5),  # navy
    (0.0, 0.0, 1.0),
    (0.5, 0.0, 0.5),  # purple
    (1.0, 0.0, 1.0),
)
PLAIN = 2  # of COLOURS: black and white
GREY = (0.5, 0.5, 0.5)
COLOURFUL_UNTIL = 0.4  # published, as shares of the way from noise to picture
CHANGING_UNTIL = 0.8


def choices(schedule: Schedule, views: int, colourful: bool, generator: torch.Generator) -> Tensor:
    """(steps, views) int64: which of :func:`pictures` lies behind each view at each step."""
    if not colourful:
        return torch.zeros(len(schedule.levels), views, dtype=torch.int64)
    rows: list[Tensor] = []
    for level in schedule.levels:
        way = 1 - level.left
        if way < CHANGING_UNTIL or not rows:
            among = len(COLOURS) if way < COLOURFUL_UNTIL else PLAIN
            rows.append(torch.randint(among, (views,), generator=generator))
        else:
            rows.append(rows[-1])
    return torch.stack(rows)


def pictures(height: int, width: int, colourful: bool) -> Tensor:
    """(14, 3, height, width) float32 in [0, 1]: COLOURS as pictures; else (1, 3, height, width), grey."""
    colours = torch.tensor(COLOURS if colourful else (GREY,))
    return colours[:, :, None, None].expand(-1, -1, height, width)
