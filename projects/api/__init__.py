"""HTTP to services and selectors and back; no rule of the domain lives here."""
