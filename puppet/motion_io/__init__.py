"""Motion of other programs in, and ours out, as VMC: messages of OSC over UDP."""
