"""work: due rows, leased to one worker at a time. The table is the truth, the queue a doorbell (ADR-0001)."""
