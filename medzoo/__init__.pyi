from medzoo import errors as errors
from medzoo import inference as inference
from medzoo import io as io
from medzoo import layers as layers
from medzoo import losses as losses
from medzoo import metrics as metrics
from medzoo import models as models
from medzoo import preprocessing as preprocessing
from medzoo import spatial as spatial
from medzoo._version import __version__ as __version__
from medzoo.batch.predict import predict as predict
from medzoo.data.compiled.compiled_pipeline import (
    CompiledPipeline as CompiledPipeline,
)
from medzoo.data.feeds.class_frequencies import count_classes as count_classes
from medzoo.data.feeds.dataset import dataset as dataset
from medzoo.data.feeds.patch_feed import PatchFeed as PatchFeed
from medzoo.data.store.tfrecords import read_tfrecords as read_tfrecords
from medzoo.data.store.tfrecords import write_tfrecords as write_tfrecords
from medzoo.evaluation.evaluate import evaluate as evaluate
from medzoo.explanation.explain import explain as explain
from medzoo.io import read as read
from medzoo.io import write as write
from medzoo.models.parts import features as features
from medzoo.models.parts import freeze as freeze
from medzoo.reporting.report import report as report
from medzoo.volume import Volume as Volume
from medzoo.zoo.fetch import fetch as fetch
from medzoo.zoo.hub.publish import publish as publish
from medzoo.zoo.info import info as info
from medzoo.zoo.load import attach as attach
from medzoo.zoo.load import load as load
from medzoo.zoo.recalibrate import recalibrate as recalibrate
from medzoo.zoo.registry import list_models as list_models
from medzoo.zoo.save_recipe import save_recipe as save_recipe
from medzoo.zoo.search import search as search
from medzoo.zoo.train import train as train
from medzoo.zoo.verify import verify as verify
