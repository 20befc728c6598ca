"""The commands, by what a person does: set up a newsroom, bring things in, do a step of the day, add people."""
