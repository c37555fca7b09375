# %% [markdown] id
# # Sentimen kalimat dengan konvolusi dan LSTM
#
# Jaringan seperti di notebook `sentiment_lstm`, tetapi sebelum LSTM ada konvolusi yang melihat lima
# kata sekaligus. Kali ini pelatihannya dengan `compile` dan `fit`.
# %% [markdown] en
# # The sentiment of sentences with a convolution and an LSTM
#
# A network as in the notebook `sentiment_lstm`, but before the LSTM stands a convolution that looks
# at five words at a time. This time it is trained by `compile` and `fit`.
# %%
import mundur as md
import numpy as np
from mundur.examples import reviews

DATA = None
found = reviews.read(DATA, seed=0)
vocabulary = md.text.Vocabulary(20_000).fit(found.train.texts)
lengths = [len(row) for row in vocabulary.sequences(found.train.texts)]
length = min(int(np.quantile(lengths, 0.95)), 400)
print(len(found.train.texts), len(vocabulary), length)

# %% [markdown] id
# ## Jaringan
#
# `Conv1D` mencari pola pendek, seperti "tidak enak" atau "bagus sekali", dengan 64 kernel selebar
# lima kata. `MaxPooling1D` hanya meneruskan jawaban terkuat dari dua tetangga, sehingga LSTM
# membaca deret yang setengah panjangnya. Keluarannya, oleh sigmoid, adalah peluang bahwa kalimat
# itu memuji.
# %% [markdown] en
# ## The network
#
# `Conv1D` looks for short patterns, such as "not good" or "really great", with 64 kernels that are
# five words wide. `MaxPooling1D` hands on only the strongest answer of two neighbours, so the LSTM
# reads a sequence that is half as long. The output, by a sigmoid, is the probability that the
# sentence praises.
# %%
model = md.Sequential(
    [
        md.layers.Embedding(len(vocabulary), 64),
        md.layers.Dropout(0.5),
        md.layers.Conv1D(64, 5, padding="same", activation="relu"),
        md.layers.MaxPooling1D(2),
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
# ## Pelatihan
#
# Penghentian dini (`EarlyStopping`) mengakhiri pelatihan kalau akurasi validasi tidak naik lagi
# selama empat *epoch*, dan mengembalikan bobot dari *epoch* yang terbaik.
# %% [markdown] en
# ## Training
#
# `EarlyStopping` ends the training when the validation accuracy has not risen for four epochs, and
# brings back the weights of the epoch that was best.
# %%
classifier = md.text.TextClassifier(model, vocabulary, length)
best = md.callbacks.EarlyStopping(monitor="val_accuracy", patience=4, restore_best_weights=True)
history = classifier.fit(
    *found.train,
    batch_size=32,
    epochs=12,
    verbose=0,
    validation_data=tuple(found.validation),
    callbacks=[best],
)
history.plot(language="en")
assert history.history["loss"][-1] < history.history["loss"][0]

# %% [markdown] id
# ## Kalimat baru
#
# `TextClassifier` menerima kalimat dan memberi label beserta peluangnya, juga sesudah dimuat
# kembali. Di bawah ini akurasi pada himpunan uji, lalu beberapa kalimat baru.
# %% [markdown] en
# ## New sentences
#
# A `TextClassifier` takes sentences and gives a label with its probability, after loading, too.
# Below are the accuracy on the test set, and then some new sentences.
# %%
loss, accuracy = classifier.evaluate(*found.test, verbose=0)
print(f"{accuracy:.0%}")
classifier.save("sentiment_cnn_lstm.safetensors")
loaded = md.load_model("sentiment_cnn_lstm.safetensors")
for text, (label, probability) in zip(found.new, loaded.predict(found.new), strict=True):
    print(f"{label} ({probability:.0%}): {text}")
