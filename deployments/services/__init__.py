"""What the app can do: one verb a file."""
