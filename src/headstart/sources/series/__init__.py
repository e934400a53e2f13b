"""Sources of series: networks that read the past of one channel, whole or its latest values."""
