"""A strict OpenPGP verifier: no signature counts that Sequoia would refuse (RFC 9580; rules F, S and C in docs)."""
