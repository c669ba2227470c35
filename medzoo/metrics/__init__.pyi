from medzoo.metrics.classification import (
    classification_metrics as classification_metrics,
)
from medzoo.metrics.image_quality import PSNR as PSNR
from medzoo.metrics.image_quality import SSIM3D as SSIM3D
from medzoo.metrics.intervals import bootstrap as bootstrap
from medzoo.metrics.intervals import wilson as wilson
from medzoo.metrics.label_maps import (
    AbsoluteVolumeDifference as AbsoluteVolumeDifference,
)
from medzoo.metrics.label_maps import DiceScore as DiceScore
from medzoo.metrics.regression import regression_metrics as regression_metrics
from medzoo.metrics.segmentation import segmentation_metrics as segmentation_metrics
from medzoo.metrics.surface_distance import (
    average_surface_distance as average_surface_distance,
)
from medzoo.metrics.surface_distance import hausdorff_distance as hausdorff_distance
from medzoo.metrics.surface_distance import surface_dice as surface_dice
