"""The model zoo: recipes, weights files and cards."""
