"""`puppet demo`: portraits, videos and the webcam on a page in the browser."""
