"""The proof: what an adaptation gained, with intervals, against baselines that know no source."""
