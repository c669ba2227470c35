"""The model zoo: models found by name, fetched, verified and loaded.

Imports training and all below it; batch prediction and all above import it.
"""
