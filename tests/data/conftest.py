"""The small study of the training tests serves here too."""

from tests.training.conftest import make_recipe, recipe, study

__all__ = ["make_recipe", "recipe", "study"]
