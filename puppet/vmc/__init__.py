"""VMC: motion of other programs in, and ours out, as OSC messages over UDP."""
