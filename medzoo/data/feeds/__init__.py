"""What `fit` takes: batches of cases or of patches, made from a case table.

Imports the rest of `medzoo.data` and `medzoo.datasets`; training, batch prediction and
evaluation import it.
"""
