"""The library that mundur opens for Model(device="cuda"); there is nothing to import here."""
