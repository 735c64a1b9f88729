"""Plumbing without domain: settings, log, metrics, health, services, outbox, certificates."""
