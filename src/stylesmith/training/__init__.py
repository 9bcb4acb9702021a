"""Training: losses know tensors, passes know networks, the trainer time, the recorder files."""
