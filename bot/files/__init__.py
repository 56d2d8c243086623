"""Where members' files are kept: inputs, previews and finished videos, in a folder or in a bucket."""
