"""Wanda, without a single Discord command: catalogue, fal, media, ledger, jobs, delivery, web and storage."""
