"""From pictures to the table's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from training.judge.classifier import Classifier, Verdict, judge
from training.judge.examples import Reference
from training.judge.measures import Bools, Detail, detail, iou, kid, psnr, silhouette
from training.judge.report import ScoreRow, share

MATERIAL, COLOUR, IOU = 90.0, 95.0, 0.97  # aimed at on single views
SLACK = 3.0  # points that textured meshes may lie below
LEAST = 20  # pictures for a distance of distributions
TELLING = 0.95  # silhouettes are compared where the real picture's can be told: not grey things on grey


@dataclass(frozen=True)
class Seen:
    """Pictures (N, 3, H, W), what they should show, what the classifier takes them for, their sharpness."""

    pictures: Tensor
    wanted: Reference
    verdict: Verdict
    details: list[Detail]

    @classmethod
    def of(cls, classifier: Classifier, pictures: Tensor, wanted: Reference) -> Seen:
        details = [detail(picture, inside) for picture, inside in zip(pictures, _inside(wanted), strict=True)]
        return cls(pictures, wanted, judge(classifier, pictures, wanted.mask), details)

    def part(self, which: Sequence[int]) -> Seen:
        """The pictures numbered ``which`` alone."""
        verdict, wanted, index = self.verdict, self.wanted, list(which)
        return Seen(
            self.pictures[index],
            Reference(
                wanted.pictures[index],
                wanted.mask[index],
                [wanted.materials[i] for i in index],
                [wanted.colours[i] for i in index],
            ),
            Verdict(
                [verdict.materials[i] for i in index],
                [verdict.colours[i] for i in index],
                verdict.features[index],
            ),
            [self.details[i] for i in index],
        )

    @property
    def materials(self) -> list[bool | None]:
        """Whether each picture is taken for its material."""
        return [a == b for a, b in zip(self.verdict.materials, self.wanted.materials, strict=True)]

    @property
    def colours(self) -> list[bool | None]:
        """Whether each picture is taken for its colour; None where no colour is named."""
        pairs = zip(self.verdict.colours, self.wanted.colours, strict=True)
        return [None if wanted is None else found == wanted for found, wanted in pairs]

    @property
    def overlaps(self) -> list[float]:
        """IoU of each picture's silhouette and the object's."""
        pairs = zip(self.pictures, _inside(self.wanted), strict=True)
        return [iou(silhouette(picture), inside) for picture, inside in pairs]


def _inside(wanted: Reference) -> list[Bools]:
    return [mask[0].numpy() > 0.5 for mask in wanted.mask]


def single_rows(found: Seen, real: Seen, others: Tensor, whole: Sequence[int]) -> list[ScoreRow]:
    """Of generated single views against real pictures of the same pairs; ``others`` are features (N, D) of
    held-out real pictures. Outlines are compared in the views numbered ``whole``: a close-up has no
    background along its frame."""
    return [
        share("single views: material", found.materials, real.materials, MATERIAL),
        share("single views: colour", found.colours, real.colours, COLOUR),
        _overlap("single views", found.part(whole), real.part(whole)),
        *_likeness("single views", found, real, others),
    ]


def group_rows(found: Seen, real: Seen, close: Sequence[int], steep: Sequence[int]) -> list[ScoreRow]:
    """Of the single views that are close-ups, and of those from above or below; none of a group without
    any."""
    rows = []
    if close:
        name, seen = "close-ups", (found.part(close), real.part(close))
        rows += [share(f"{name}: material", seen[0].materials, seen[1].materials, MATERIAL)]
        rows += _sharpnesses(name, *seen)
    if steep:
        name, seen = "from above and below", (found.part(steep), real.part(steep))
        rows += [share(f"{name}: material", seen[0].materials, seen[1].materials, MATERIAL)]
        rows += [_overlap(name, *seen)]
    return rows


def textured_rows(found: Seen, real: Seen, others: Tensor, single: list[ScoreRow]) -> list[ScoreRow]:
    """Of pictures of textured meshes. They may be SLACK points worse than the ``single`` views, or than the
    aims of these where they were missed."""
    material, colour = (max(row.value, row.aim or 0.0) - SLACK for row in single[:2])
    return [
        share("textured meshes: material", found.materials, real.materials, material),
        share("textured meshes: colour", found.colours, real.colours, colour),
        *_likeness("textured meshes", found, real, others),
    ]


def _overlap(what: str, found: Seen, real: Seen) -> ScoreRow:
    judged = [(a, b) for a, b in zip(found.overlaps, real.overlaps, strict=True) if b >= TELLING]
    values, ceilings = np.array(judged or [(0.0, 0.0)]).T
    error = float(values.std() / len(values) ** 0.5)
    return ScoreRow(
        f"{what}: silhouette IoU",
        float(values.mean()),
        "",
        len(judged),
        float(ceilings.mean()),
        IOU,
        error,
    )


def _likeness(what: str, found: Seen, real: Seen, others: Tensor) -> list[ScoreRow]:
    return [
        *_distance(what, found, real, others),
        *_sharpnesses(what, found, real),
    ]


def _sharpnesses(what: str, found: Seen, real: Seen) -> list[ScoreRow]:
    return [
        _sharpness(f"{what}: edges, share of real", found, real, "gradient"),
        _sharpness(f"{what}: fine detail, share of real", found, real, "fine"),
    ]


def _distance(what: str, found: Seen, real: Seen, others: Tensor) -> list[ScoreRow]:
    """No row for a handful of pictures, whose distance says which they are rather than how good."""
    if (count := len(found.pictures)) < LEAST:
        return []
    distance, floor = kid(found.verdict.features, others), kid(real.verdict.features, others)
    return [ScoreRow(f"{what}: KID x 1000", distance.mean, "", count, floor.mean, None, distance.error)]


def _sharpness(name: str, found: Seen, real: Seen, kind: str) -> ScoreRow:
    """The median, over pictures, of energy found / energy of the real picture."""
    pairs = zip(found.details, real.details, strict=True)
    ratios = [getattr(a, kind) / getattr(b, kind) for a, b in pairs if getattr(b, kind) > 0]
    return ScoreRow(name, float(np.median(ratios)) if ratios else 0.0, "", len(ratios), 1.0)


def autoencoder_rows(denoiser: Denoiser, real: Reference) -> list[ScoreRow]:
    """What the autoencoder alone loses of real pictures: all that the network draws passes through it."""
    decoded = denoiser.decode(denoiser.encode(real.pictures)).clamp(0, 1).cpu()
    triples = list(zip(decoded, real.pictures, _inside(real), strict=True))
    values = [psnr(a, b, inside) for a, b, inside in triples]
    kept = [(detail(a, inside).fine, detail(b, inside).fine) for a, b, inside in triples]
    share_kept = float(np.median([a / b for a, b in kept if b > 0]))
    return [
        ScoreRow("autoencoder: PSNR", float(np.mean(values)), "dB", len(values)),
        ScoreRow("autoencoder: fine detail, share of real", share_kept, "", len(values), 1.0),
    ]


def joined(parts: list[tuple[Tensor, Tensor]], materials: list[str], colours: list[str | None]) -> Reference:
    """Pictures with masks, as many of each label in turn, as a Reference."""
    pictures, masks = (torch.stack(column) for column in zip(*parts, strict=True))
    each = len(parts) // len(materials)
    return Reference(
        pictures,
        masks,
        [m for m in materials for _ in range(each)],
        [c for c in colours for _ in range(each)],
    )
