"""From a recipe to trained weights: one fit, a cross-validation, the command."""
