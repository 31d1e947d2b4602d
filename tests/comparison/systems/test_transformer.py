"""The loss of a single-genre encoder."""

from __future__ import annotations

import torch

from genre_batch.comparison.systems.transformer import single_genre_loss


def test_the_single_genre_loss_is_least_where_probabilities_are_the_shares() -> None:
    labels = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    right = torch.log(torch.tensor([[0.5, 0.5, 1e-9, 1e-9], [1e-9, 1e-9, 1e-9, 1.0]]))
    generator = torch.Generator().manual_seed(0)
    least = single_genre_loss(right, labels)
    for _ in range(20):
        other = right + torch.randn(right.shape, generator=generator)
        assert single_genre_loss(other, labels) > least
