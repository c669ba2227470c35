"""Results in the standard space, beside those in the scan's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medzoo.errors import InputError
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.atlas import CONTRASTS
from medzoo.spatial.registration import KINDS, find
from medzoo.spatial.standard_space import BIDS_NAME, SPACES, standard_space
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

USUAL_KIND = "affine"
# mm: labels on voxels as large as the scan's own lose thin parts.
SPACING = 1.0


@dataclass(frozen=True)
class StandardResult:
    """What was found in one scan, in the standard space.

    Attributes:
        space: str, its name in BIDS.
        template: str, the file of the average head.
        kind: str, "rigid", "affine" or "deformable".
        transform: `Transform`, standard space -> scan.
        labels: Volume of class indices or codes, by vote; None for other tasks.
        image: Volume float32 in the input's intensity units, or None.
        volumes_ml: dict of class name -> millilitres in the standard space: after an
            affine registration those of a head of average size; or None.
    """

    space: str
    template: str
    kind: str
    transform: Transform
    labels: Volume | None = None
    image: Volume | None = None
    volumes_ml: dict | None = None

    @property
    def main(self) -> Volume | None:
        """Volume, the label map or the image."""
        return self.image if self.labels is None else self.labels

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON: the space, how well the scan lies in it, volumes."""
        quality = self.transform.quality.items()
        content = {
            "space": self.space,
            "template": self.template,
            "registration": self.kind,
            "spacing_mm": SPACING,
            "quality": {name: float(f"{value:.4g}") for name, value in quality},
        }
        if self.volumes_ml is not None:
            volumes = {name: round(ml, 3) for name, ml in self.volumes_ml.items()}
            content["volumes_ml"] = volumes
        return content


def parse_space(text: str) -> tuple[str, str]:
    """Reads a standard space, as "mni" or "mni:deformable".

    Args:
        text: str, a name of `medzoo.spatial.standard_space`, and after ":" how the
            scan is registered to it; "affine" if it does not say.

    Returns:
        name and kind.

    Raises:
        InputError: for a space or a kind that is not known.
    """
    name, _, kind = str(text).partition(":")
    kind = kind or USUAL_KIND
    if name not in SPACES or kind not in KINDS:
        raise InputError(
            f"`space` must be one of {sorted(SPACES)}, after a colon one of {KINDS}. "
            f"Received: space={text!r}. Write it as mni or mni:deformable."
        )
    return name, kind


def way_into(space: str, scan: Volume, channels: list) -> Transform:
    """Registers a scan to a standard space.

    Args:
        space: str, as `parse_space` reads it.
        scan: Volume, the channels of a case on one grid.
        channels: list of str, their names.

    Returns:
        `Transform`, standard space -> scan.

    Raises:
        InputError: if no channel is of a contrast that can be registered.
        GeometryError: for a field of view that holds no head.
    """
    name, kind = parse_space(space)
    known = ["t1"] if kind == "deformable" else sorted(CONTRASTS, reverse=True)
    for contrast in known:
        if contrast not in channels:
            continue
        array = scan.array
        if array.ndim == 4:
            array = array[..., channels.index(contrast)]
        if array.any():
            return find(scan.with_array(array), name, kind, contrast=contrast)
    raise InputError(
        f"A scan is registered to the standard space ({kind}) by one of the channels "
        f"{known}. Received: channels={channels}. Leave out the space, or give that "
        "channel."
    )


def in_space(
    fields: dict, way: Transform, space: str, volumes: Callable
) -> StandardResult:
    """Draws a result in the standard space.

    Args:
        fields: dict, fields of a `Prediction` in the scan's own space.
        way: `Transform` of `way_into`.
        space: str, as `parse_space` reads it.
        volumes: callable from a label map and `fields` to volumes in millilitres.
    """
    name, kind = parse_space(space)
    labels, image = fields.get("labels"), fields.get("image")
    if labels is not None:
        labels = apply(way, labels, labels=True, spacing=SPACING)
    if image is not None:
        image = apply(way, image, spacing=SPACING)
    return StandardResult(
        space=BIDS_NAME,
        template=standard_space(name).name,
        kind=kind,
        transform=way,
        labels=labels,
        image=image,
        volumes_ml=None if labels is None else volumes(labels, fields),
    )
