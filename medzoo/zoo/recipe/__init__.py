"""recipe.json as data: strict JSON, its schema, and the addresses in it.

Imports errors alone; the rest of the zoo and all above import it.
"""
