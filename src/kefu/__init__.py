"""Live chat for websites that people host themselves."""
