"""The files that a model leaves of a result, in a folder of its name."""

REPORT, VIEW, IMAGE = "report.html", "view.html", "image.nii.gz"
