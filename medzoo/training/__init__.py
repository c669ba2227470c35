"""From a recipe to trained weights: one fit, a cross-validation, the command.

Imports the data, networks, losses and inference; the zoo and all above import it.
"""
