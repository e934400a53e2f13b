"""What a user can do: one file a verb, each a story that reads from top to bottom."""
