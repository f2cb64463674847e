"""From text sources to lesson, solution and exercise notebooks; CONTRIBUTING.md explains their use."""
