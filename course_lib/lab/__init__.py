"""What one looks at and touches: figures, widgets, progress bars, expected values, one's own results and standing."""
