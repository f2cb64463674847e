"""What comes in from other machines and goes out to them: values, files, folders, terminals. Standard library only."""
