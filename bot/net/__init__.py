"""Connections and bounded downloads, shared by Discord's CDN and fal."""
