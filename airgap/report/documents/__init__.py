"""The JSON documents of the command line (docs/schemas), as plain values; a command imports its own."""
