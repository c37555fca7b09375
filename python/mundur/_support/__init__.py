"""What all parts of the package stand on: names, checks of arguments, views, files."""
