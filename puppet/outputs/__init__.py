"""Where the pictures go: virtual camera, window, browser, file, or nowhere."""
