"""Texts whose truth is known: what is told, in which words, and how probable it was. Standard library only."""
