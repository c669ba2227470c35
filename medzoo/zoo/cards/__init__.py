"""Model cards, written from recipe.json and metrics.json.

Imports the recipes and the registry; publishing, reports and commands import it.
"""
