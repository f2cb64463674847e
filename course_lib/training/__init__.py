"""A training run: loss, optimizers, schedules, checkpoints and the trainer. It knows no architecture."""
