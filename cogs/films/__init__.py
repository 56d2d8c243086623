"""`/film`: the private panel on which a film is put together, and what can be done with one."""
