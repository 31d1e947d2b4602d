"""The training loop: batches, losses, learning rates, weights, checkpoints."""
