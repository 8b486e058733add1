"""Studies: a grid of configs, trained, tested and compared by one command. See ``projects/fusion_grid``."""
