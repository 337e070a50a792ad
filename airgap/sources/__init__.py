"""Where export finds images and signatures. Only the connected side imports this package."""
