"""``airgap kit``: everything that a machine without a network needs to install airgap."""
