"""Files with a weight: FILE[:WEIGHT]."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from ..errors import UserError


@dataclass(frozen=True)
class Weighted:
    """A kind of files that have a weight.

    what: one of them, in words. least, most: the weights. usual: the weight where none is said. example: one
    with its weight. endings: of files, as they may stand behind a colon in a name.
    """

    what: str
    least: float
    most: float
    usual: float
    example: str
    endings: tuple[str, ...]

    def split(self, text: str) -> tuple[str, float]:
        """("FILE", WEIGHT) of "FILE:WEIGHT". Raises UserError for no number, or one too large."""
        name, colon, weight = text.strip().rpartition(":")
        if not colon or self._goes_on(weight):
            return text.strip(), self.usual
        try:
            number = float(weight)
        except ValueError:
            number = math.nan
        if not self.least <= number <= self.most:
            limits = f"a number from {self.least:g} to {self.most:g}"
            raise UserError(
                f"the weight of the {self.what} {name} is {weight!r}",
                f"write FILE:WEIGHT with {limits}, such as {self.example}",
            )
        return name, number

    def of_file(self, text: str) -> tuple[str, float]:
        """``split``, but a file that is there may have a colon in its name."""
        return (text, self.usual) if os.path.exists(os.path.expanduser(text)) else self.split(text)

    def file(self, text: str) -> str:
        """The FILE of it, whatever its weight says."""
        try:
            return self.of_file(text)[0]
        except UserError:
            return text

    def beside(self, text: str, folder: str | os.PathLike[str]) -> str:
        """FILE[:WEIGHT] with the file's whole path where it lies in ``folder``. Raises UserError."""
        name, weight = self.of_file(text)
        place = os.path.join(folder, name)
        return self.joined(place, weight) if os.path.exists(place) else text

    def as_written(self, text: str) -> tuple[str, float]:
        """``split`` for who shows it: a weight that is no number stays with the file's name."""
        try:
            return self.split(text)
        except UserError:
            return text, self.usual

    def joined(self, name: str, weight: float) -> str:
        """What ``split`` takes apart."""
        return name if weight == self.usual else f"{name}:{weight:g}"

    def _goes_on(self, weight: str) -> bool:
        """Whether what follows a colon is the rest of a path."""
        return "/" in weight or "\\" in weight or weight.lower().endswith(self.endings)


LORA = Weighted("LoRA", -10.0, 10.0, 1.0, "style.safetensors:0.8", (".safetensors",))
# With 1 or more, published adapters leave the prompt little say.
REFERENCE = Weighted(
    "reference", 0.0, 10.0, 0.6, "photo.png:0.8", (".png", ".jpg", ".jpeg", ".bmp", ".tga", ".webp", ".exr")
)
WEIGHTED = {"lora": LORA, "reference": REFERENCE}
"""By the options that have them."""
MOST_REFERENCES = 8  # pictures of a job; each costs attention in every layer that reads the prompt
