"""A stand-in for fal: queue, storage, CDN, rendering and control routes, on one loopback port."""
