"""From text sources to lesson and exercise notebooks."""
