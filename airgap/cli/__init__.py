"""The command line: a door, not a room. Each command reads its options and the clock, calls one workflow, renders."""
