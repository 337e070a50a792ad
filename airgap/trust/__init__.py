"""Who must have signed what: maintainers, claims, identity, quorum and the pinned trust root (TRUST rules 1 to 10)."""
