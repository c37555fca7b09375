"""Lists the examples: ``python -m mundur.examples``."""

EXAMPLES = {
    "digits": "learns handwritten digits, draws curves and predictions, saves the model",
    "digits_convnet": "reads them by convolutions, with and without augmentation, and shows them",
    "worked_example": "one step of a 2-2-2 network with every number, as course notes do",
    "beside_frameworks": "the same step in PyTorch, Keras, TensorFlow and JAX: do they agree?",
    "activations": "f and f′ of every activation",
    "losses": "which for what, and what a wrong one does",
    "error_flow": "the error on its way back through a small network, as a film",
    "boundary": "the border between two classes as it is learnt, as a film",
    "descent": "batch, stochastic and mini-batch gradient descent, and their noise",
    "batch_sizes": "what they do to speed, memory and learning, on this machine",
    "optimizers": "SGD, momentum, RMSprop and Adam on one surface",
    "learning_rates": "convergence, overshoot and divergence, by formula and by trial",
    "initializers": "first weights side by side, and what passes through ten layers of them",
    "vanishing_gradients": "twenty layers of sigmoids, and what tanh, ReLU and He do about it",
    "overfitting": "a network that learns by heart, and cures side by side",
    "augmentation": "the digits that augmentations show a network, and what that is good for",
    "regression": "house prices (or diabetes), beside gradient boosting",
    "lstm_gates": 'the gates of an LSTM, word by word: how "tidak" turns "bagus"',
    "sentiment_lstm": "film reviews or short sentences: Embedding and LSTM, a loop by hand",
    "sentiment_cnn_lstm": "the same by compile and fit, with a convolution before the LSTM",
    "tabular": "a table of numbers and words: Adult (or breast cancer)",
    "two_inputs": "words through embeddings beside numbers: Adult (or a made-up shop)",
    "tuning": "learning rate, layers and neurons by cross-validation and grid search",
}

if __name__ == "__main__":
    for name, what in EXAMPLES.items():
        print(f"python -m mundur.examples.{name:20} {what}")
