"""Prediction of many cases: read ahead, isolated, written and resumed; their tables.

Imports the zoo and all below it; evaluation, reports and commands import it.
"""
