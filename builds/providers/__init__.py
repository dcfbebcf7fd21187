"""What a git host can do for us."""
