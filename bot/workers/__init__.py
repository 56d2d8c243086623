"""Worker processes with limits of memory and time, for hostile files and for drawing."""
