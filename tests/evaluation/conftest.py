"""The recipe and the zoo folder of the tests of the zoo serve here too."""

from tests.zoo.conftest import add_model, content, metrics

__all__ = ["add_model", "content", "metrics"]
