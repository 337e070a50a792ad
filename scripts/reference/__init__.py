"""Reference documents made from the code: docs/reference.md and docs/man/."""
