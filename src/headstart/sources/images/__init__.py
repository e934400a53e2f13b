"""Sources of pictures: families of libraries, and what they share."""
