"""The parts of scripts/bench: data, how the work is done by hand, measuring, and the table."""
