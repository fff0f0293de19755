"""Where the driver comes from: webcams by name, and video files that play as one."""
