"""Reports: one HTML file that shows what a model made of one scan or of many.

Imports evaluation, batch prediction and all below; commands import it.
"""
