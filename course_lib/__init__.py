"""The package behind the course. Importing it imports nothing heavy; each part is imported by name."""

__version__ = "0.1.0"
