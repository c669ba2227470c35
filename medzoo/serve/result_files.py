"""The files that a model leaves of a result, in a folder of its name."""

REPORT, VIEW, IMAGE = "report.html", "view.html", "image.nii.gz"
# Of an explanation: what each millilitre adds to the answer.
MAP = "map.nii.gz"
# What the 3-D viewer draws: the scan in grey levels, and what lies over it, by the
# layers of `medzoo.reporting.display.Display`.
SCAN = "scan.nii.gz"
OVERLAYS = {
    "labels": "labels.nii.gz",
    "result": "result.nii.gz",
    "heat": "heat.nii.gz",
}
SCENE = (SCAN, *OVERLAYS.values())
