"""The models, in torch. Every model maps token ids (B, T) to logits (B, T, V)."""
