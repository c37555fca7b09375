"""Lists the examples: ``python -m mundur.examples``."""

EXAMPLES = {
    "digits": "learns handwritten digits, draws curves and predictions, saves the model",
    "worked_example": "one step of a 2-2-2 network with every number, as course notes do",
}

if __name__ == "__main__":
    for name, what in EXAMPLES.items():
        print(f"python -m mundur.examples.{name:16} {what}")
