"""Prepared volumes, kept in memory or on disk, and found again by content.

Imports the cases, the compiled pipelines and the preprocessing; feeds import it.
"""
