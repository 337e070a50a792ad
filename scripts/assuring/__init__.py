"""The assurance table; see scripts/assurance."""
