"""Text to batches: corpora, tokenizers, datasets. Standard library, numpy, Babel and regex; no torch."""
