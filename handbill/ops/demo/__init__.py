"""demo: a sample newsroom's day on this machine: made-up outlets, a loopback mail server, real rooms between."""
