"""Slices of volumes as pictures, for notebooks, reports and the demo."""
