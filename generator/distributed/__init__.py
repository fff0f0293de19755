"""Several GPUs for one stream, on torch.distributed alone: sequence parallelism and a decoder that is split by
columns."""
