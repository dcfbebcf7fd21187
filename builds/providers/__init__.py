"""What a git host can do for us: lists of repositories, hooks, deploy keys, commit statuses, pull requests."""
