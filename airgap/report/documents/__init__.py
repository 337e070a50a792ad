"""The JSON documents of the command line described in docs/schemas, as plain values; each module is imported by its command."""
