"""Bundle format v1: one hashed, compressed, predicted stream (bundles/FORMAT.md)."""
