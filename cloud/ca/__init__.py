"""Who is a station: certificates for requests, and what the broker is told about whose certificates count."""
