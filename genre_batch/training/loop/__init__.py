"""The training loop: batches, losses, learning rates, checkpoints."""
