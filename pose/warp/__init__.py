"""The portrait at another pose: flow, rasteriser, painters of what a still cannot show, and the guide maps."""
