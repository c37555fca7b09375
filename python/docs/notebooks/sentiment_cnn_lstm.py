# %% [markdown] id
# # Sentimen kalimat dengan konvolusi dan LSTM
#
# Jaringan yang sama seperti di buku catatan `sentiment_lstm`, tetapi sebelum LSTM ada konvolusi
# yang melihat lima kata sekaligus. Kali ini latihannya dengan `compile` dan `fit`.
# %% [markdown] en
# # The sentiment of sentences with a convolution and an LSTM
#
# The network of the notebook `sentiment_lstm`, but before the LSTM stands a convolution that looks
# at five words at a time. This time it is trained by `compile` and `fit`.
# %%
import mundur as md
from mundur.examples import reviews

DATA = None
found = reviews.read(DATA, seed=0)
vocabulary, length = reviews.numbered(found, 20_000)

# %% [markdown] id
# ## Jaringan
#
# `Conv1D` mencari pola pendek, seperti "tidak enak" atau "bagus sekali". `MaxPooling1D` menyimpan
# jawaban terkuat dari empat tetangga, sehingga LSTM membaca urutan yang empat kali lebih pendek.
# %% [markdown] en
# ## The network
#
# `Conv1D` looks for short patterns, such as "not good" or "really great". `MaxPooling1D` keeps the
# strongest answer of four neighbours, so the LSTM reads a sequence that is a quarter as long.
# %%
model = md.Sequential(
    [
        md.layers.Embedding(len(vocabulary), 64),
        md.layers.Dropout(0.5),
        md.layers.Conv1D(64, 5, padding="same", activation="relu"),
        md.layers.MaxPooling1D(4),
        md.layers.LSTM(64),
        md.layers.Dropout(0.3),
        md.layers.Dense(1, activation="sigmoid"),
    ],
    seed=0,
    input_shape=(length,),
)
model.compile(
    optimizer=md.optimizers.Adam(learning_rate=5e-3, clipnorm=1.0),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
model.summary()

# %% [markdown] id
# ## Latihan
#
# `EarlyStopping` menyimpan bobot dari *epoch* yang terbaik pada data validasi.
# %% [markdown] en
# ## Training
#
# `EarlyStopping` keeps the weights of the epoch that was best on the validation data.
# %%
classifier = md.text.TextClassifier(model, vocabulary, length)
best = md.callbacks.EarlyStopping(monitor="val_accuracy", patience=30, restore_best_weights=True)
history = classifier.fit(
    *found.train,
    batch_size=32,
    epochs=12,
    verbose=0,
    validation_data=tuple(found.validation),
    callbacks=[best],
)
history.plot()
assert history.history["loss"][-1] < history.history["loss"][0]

# %% [markdown] id
# ## Kalimat baru
#
# `TextClassifier` menerima kalimat dan memberi label beserta peluangnya, juga sesudah dimuat
# kembali.
# %% [markdown] en
# ## New sentences
#
# A `TextClassifier` takes sentences and gives a label with its probability, after loading, too.
# %%
loss, accuracy = classifier.evaluate(*found.test, verbose=0)
print(f"{accuracy:.0%}")
classifier.save("sentiment_cnn_lstm.safetensors")
loaded = md.load_model("sentiment_cnn_lstm.safetensors")
for text, (label, probability) in zip(found.new, loaded.predict(found.new), strict=True):
    print(f"{label} ({probability:.0%}): {text}")
