"""Verdicts and audits as one HTML file that needs no network, no server and no script. Needs the extra ``report``."""
