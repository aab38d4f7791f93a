"""The domain: projects, their boards, and the only code that may change them."""
