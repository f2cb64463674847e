"""From logits to text: sampling rules and the loops that write."""
