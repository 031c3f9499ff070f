"""The dashboard in a real Chromium, against a real HQ."""
