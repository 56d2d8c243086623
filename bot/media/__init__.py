"""What an attachment really is, and how it is made to fit. Files are read in worker processes."""
