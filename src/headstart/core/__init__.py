"""The ground floor: errors, registry, fingerprints, seeds, hardware, progress, settings."""
