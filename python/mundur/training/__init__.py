"""The passes over data behind `Model`: fit, evaluate, predict."""
