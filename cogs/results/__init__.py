"""What people do with a finished video: buttons, forms, reactions and direct messages."""
