"""What notebooks share: figures, progress bars, expected values, the results file."""
