"""Sources of behaviour: what people did, as sequences of items that are known by features."""
