"""Where the package meets the disk: no links followed, nothing half-written, every error of the system typed."""
