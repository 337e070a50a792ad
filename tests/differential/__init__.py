"""The differential test of the OpenPGP verifier: crafted cases, judged by us and by Sequoia (QUALITY.md R4)."""
