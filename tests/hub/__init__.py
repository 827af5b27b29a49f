"""Publishing, against a Hub on this machine."""
