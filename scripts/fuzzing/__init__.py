"""Fuzz targets and the loop that drives them; see scripts/fuzz."""
