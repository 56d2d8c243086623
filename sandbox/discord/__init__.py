"""A stand-in for Discord: gateway, REST, CDN and a control surface, on one loopback port."""
