"""The student's side: from an answer to a verdict that names the mistake, and from a question to a hint."""
