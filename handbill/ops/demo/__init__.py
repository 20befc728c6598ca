"""demo: a sample newsroom's day on this machine: eight fictional outlets, a loopback mail server, real rooms between."""
