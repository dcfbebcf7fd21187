"""Rules and messages: who is told what, and how."""
