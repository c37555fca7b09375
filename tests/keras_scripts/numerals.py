"""Years into Roman numerals, letter by letter: an encoder whose states a decoder begins with."""

import keras
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Model

keras.utils.set_random_seed(33)

batch_size, epochs, latent_dim = 32, 60, 48
values = [(50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def roman(number):
    text = ""
    for value, letters in values:
        while number >= value:
            text, number = text + letters, number - value
    return text


numbers = np.arange(1, 90)
input_texts = [str(number).rjust(2) for number in numbers]
target_texts = ["\t" + roman(number) + "\n" for number in numbers]
input_characters = sorted(set("".join(input_texts)))
target_characters = sorted(set("".join(target_texts)))
num_encoder_tokens, num_decoder_tokens = len(input_characters), len(target_characters)
max_encoder_length = max(len(text) for text in input_texts)
max_decoder_length = max(len(text) for text in target_texts)
input_token_index = {char: i for i, char in enumerate(input_characters)}
target_token_index = {char: i for i, char in enumerate(target_characters)}

count = len(input_texts)
encoder_input_data = np.zeros((count, max_encoder_length, num_encoder_tokens), "float32")
decoder_input_data = np.zeros((count, max_decoder_length, num_decoder_tokens), "float32")
decoder_target_data = np.zeros((count, max_decoder_length, num_decoder_tokens), "float32")
for i, (input_text, target_text) in enumerate(zip(input_texts, target_texts, strict=True)):
    for t, char in enumerate(input_text):
        encoder_input_data[i, t, input_token_index[char]] = 1.0
    for t, char in enumerate(target_text):
        decoder_input_data[i, t, target_token_index[char]] = 1.0
        if t > 0:
            # One step ahead, without the character that begins.
            decoder_target_data[i, t - 1, target_token_index[char]] = 1.0
    decoder_target_data[i, len(target_text) - 1 :, target_token_index["\n"]] = 1.0

encoder_inputs = Input(shape=(max_encoder_length, num_encoder_tokens), name="number")
encoder = LSTM(latent_dim, return_state=True, name="encoder")
_, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = Input(shape=(max_decoder_length, num_decoder_tokens), name="letters")
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True, name="decoder")
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(num_decoder_tokens, activation="softmax")
decoder_outputs = decoder_dense(decoder_outputs)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(
    optimizer=keras.optimizers.Adam(1e-2), loss="categorical_crossentropy", metrics=["accuracy"]
)
history = model.fit(
    [encoder_input_data, decoder_input_data],
    decoder_target_data,
    batch_size=batch_size,
    epochs=epochs,
    verbose=0,
)

# To decode, one step at a time, the states go round.
encoder_model = Model(encoder_inputs, encoder_states)
decoder_state_inputs = [Input(shape=(latent_dim,)), Input(shape=(latent_dim,))]
one_letter = Input(shape=(1, num_decoder_tokens))
outputs, state_h, state_c = decoder_lstm(one_letter, initial_state=decoder_state_inputs)
decoder_model = Model(
    [one_letter, *decoder_state_inputs], [decoder_dense(outputs), state_h, state_c]
)


def decode_sequences(sequences):
    states = list(encoder_model.predict(sequences, verbose=0))
    target = np.zeros((len(sequences), 1, num_decoder_tokens))
    target[:, 0, target_token_index["\t"]] = 1.0
    decoded = [""] * len(sequences)
    for _ in range(max_decoder_length):
        tokens, *states = decoder_model.predict([target, *states], verbose=0)
        chosen = tokens[:, 0].argmax(axis=1)
        target = np.eye(num_decoder_tokens)[chosen][:, np.newaxis]
        decoded = [text + target_characters[i] for text, i in zip(decoded, chosen, strict=True)]
    return [text.split("\n")[0] for text in decoded]


decoded = decode_sequences(encoder_input_data)
right = [text == roman(number) for text, number in zip(decoded, numbers, strict=True)]
scores = {
    "accuracy": model.evaluate(
        [encoder_input_data, decoder_input_data], decoder_target_data, verbose=0
    )[1],
    "decoded": float(np.mean(right)),
}
