"""Where import puts images. An engine takes VerifiedImage only, and is asked afterwards what it holds."""
