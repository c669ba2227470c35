"""Prepared volumes, kept in memory or on disk, and found again by content.

Imports no preprocessing: what is made of a case is a task's, see `feeds`, which import
it.
"""
