"""What people read, rendered with examples: each module adds its scenes to the snapshot."""
