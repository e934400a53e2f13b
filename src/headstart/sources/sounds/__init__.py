"""Sources of sounds: waveforms and spectra, and networks of our own that read the published weights."""
