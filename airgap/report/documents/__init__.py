"""The JSON documents of the command line as plain values; each module is imported by its command."""
