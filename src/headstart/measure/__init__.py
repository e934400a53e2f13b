"""Numbers that can be defended: solvers, metrics, intervals, calibration. NumPy and SciPy only."""
