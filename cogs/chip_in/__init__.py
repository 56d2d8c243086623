"""Videos that several members pay for."""
