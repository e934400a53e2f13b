"""The one loop that runs a plan. It knows streams, heads and phases, and no strategy's name."""
