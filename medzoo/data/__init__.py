"""Training data: tables of cases, prepared volumes, and the feeds that `fit` takes.

Imports nothing itself; of `cases`, `compiled`, `store` and `feeds`, which import each
other in this order alone, training and all above import.
"""
