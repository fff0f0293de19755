"""The steps of a frame, each written once: driver, puppeteer, batcher, renderer, reprojection."""
