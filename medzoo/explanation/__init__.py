"""What in a scan an answer rests on: attributions in voxels, and regions replaced.

Imports `medzoo.zoo` and all below it; reporting and the commands import it.
"""
