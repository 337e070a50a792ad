"""The client of OCI registries (distribution-spec), for both directions; the only package that talks to a network."""
