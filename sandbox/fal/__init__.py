"""A stand-in for fal: queue, storage, CDN, rendering and a control surface, on one loopback port."""
