"""Models measured against the truth: metrics, baselines, costs, and metrics.json.

Imports batch prediction and all below it; reports and commands import it.
"""
