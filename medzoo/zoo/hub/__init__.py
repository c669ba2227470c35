"""Models on a hub: fetched into a cache, uploaded and published.

Imports the recipes, the registry and the cards; loading and commands import it.
"""
