"""The live loop: camera, tracker, generator and outputs, each in its own thread, nothing queued between them."""
