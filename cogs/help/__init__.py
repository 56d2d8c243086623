"""/help, and the tip to a member's first order."""
