"""OCI images as data: descriptors, indexes, manifests, and the exact graph that a digest covers (image-spec 1.1)."""
