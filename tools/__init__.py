"""What the course is built and tested with. A package, so that no other package called tools is taken for it."""
