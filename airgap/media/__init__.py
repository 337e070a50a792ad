"""Bundles and the media they travel on: cutting, recovery, reading back. Nothing here decides about images."""
