"""Sources of texts: pieces of words, encoders, and models that are opened with their own head."""
