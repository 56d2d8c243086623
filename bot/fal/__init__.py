"""fal.ai: its queue and its storage. `protocol`, `outcome`, `sse` and what they use are pure; the rest is the shell."""
