"""What follows from news of this app and earlier ones, one line each."""
