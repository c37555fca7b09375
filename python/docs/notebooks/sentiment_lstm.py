# %% [markdown] id
# # Sentimen kalimat dengan LSTM
#
# Apakah sebuah kalimat memuji atau mencela? Jaringan ini membaca kata demi kata. Putaran
# latihannya ditulis sendiri: maju, galat, mundur, langkah. Datanya 2.460 kalimat pendek yang ikut
# dalam paket; isi `DATA` dengan folder ulasan (misalnya aclImdb) untuk melatih dengan data
# sungguhan.
# %% [markdown] en
# # The sentiment of sentences with an LSTM
#
# Does a sentence praise or blame? This network reads word by word. The training loop is written by
# hand: forward, loss, backward, step. The data are the 2,460 short sentences that ship with the
# package; set `DATA` to a folder of reviews (such as aclImdb) to train on the real thing.
# %%
import mundur as md
import numpy as np
from mundur.examples import reviews

DATA = None
found = reviews.read(DATA, seed=0)
for text, label in list(zip(*found.train, strict=True))[:4]:
    print(f"{label}: {text}")

# %% [markdown] id
# ## Dari kata ke bilangan
#
# Kosakata menomori kata menurut kekerapannya. Nomor 0 adalah isian untuk kalimat pendek, nomor 1
# adalah kata yang tidak dikenal. Isian diletakkan di depan, supaya LSTM berakhir pada kata
# terakhir.
# %% [markdown] en
# ## From words to numbers
#
# A vocabulary numbers words by how often they occur. Number 0 pads short sentences, number 1 is a
# word that is not known. Padding goes to the front, so that the LSTM ends on the last word.
# %%
vocabulary, length = reviews.numbered(found, 20_000)
print(vocabulary.words[:12])
labels = sorted({*found.train.labels})
x = vocabulary.encode(found.train.texts, length)
y = np.array([labels.index(label) for label in found.train.labels])
validation_x = vocabulary.encode(found.validation.texts, length)
validation_y = np.array([labels.index(label) for label in found.validation.labels])
print(x[0], vocabulary.decode(x[:1]))

# %% [markdown] id
# ## Jaringan
#
# `Embedding` memberi setiap kata sebuah vektor; isian dilewati (`mask_zero`). LSTM membawa ingatan
# $c_t$ dari kata ke kata: gerbang lupa $f$ menentukan apa yang dibuang, gerbang masukan $i$ apa
# yang ditambahkan, $c_t = f \odot c_{t-1} + i \odot \tilde c$, dan keluarannya $h_t = o \odot
# \tanh(c_t)$.
# %% [markdown] en
# ## The network
#
# `Embedding` gives each word a vector; padding is passed over (`mask_zero`). An LSTM carries a
# memory $c_t$ from word to word: the forget gate $f$ says what goes, the input gate $i$ what
# comes, $c_t = f \odot c_{t-1} + i \odot \tilde c$, and its output is $h_t = o \odot \tanh(c_t)$.
# %%
model = md.Model(
    [
        md.layers.Embedding(len(vocabulary), 64, mask_zero=True),
        md.layers.Dropout(0.4),
        md.layers.LSTM(64),
        md.layers.Dropout(0.4),
        md.layers.Dense(1),
    ],
    seed=0,
    input_shape=(length,),
)
model.summary()

# %% [markdown] id
# ## Putaran latihan
#
# Untuk setiap tumpukan kecil: `forward` menghitung keluaran, `loss` galatnya, `backward` turunan
# galat terhadap setiap bobot (aturan rantai, dari belakang ke depan), dan `step` menggeser bobot.
# %% [markdown] en
# ## The training loop
#
# For each small batch: `forward` computes the output, `loss` its error, `backward` the derivative
# of the error by every weight (the chain rule, from the back to the front), and `step` moves the
# weights.
# %%
loss = md.losses.BinaryCrossentropy(from_logits=True)
optimizer = md.optimizers.Adam(1e-2, clipnorm=1.0)
history, rng = md.History(), np.random.default_rng(0)


def accuracy(truth, outputs):
    return float(np.mean((outputs[:, 0] > 0) == truth))


for epoch in range(12):
    for rows in np.array_split(rng.permutation(len(x)), len(x) // 32):
        outputs = model.forward(x[rows], training=True)
        model.backward(loss.gradient(y[rows], outputs))
        optimizer.step(model)
    outputs, validation = model.predict(x), model.predict(validation_x)
    history.on_epoch_end(
        epoch,
        {
            "loss": loss(y, outputs),
            "accuracy": accuracy(y, outputs),
            "val_loss": loss(validation_y, validation),
            "val_accuracy": accuracy(validation_y, validation),
        },
    )
history.plot()
assert history.history["loss"][-1] < history.history["loss"][0]

# %% [markdown] id
# ## Kalimat baru
#
# Kosakata disimpan di dalam berkas model, jadi `load_model` saja cukup untuk menebak kalimat.
# %% [markdown] en
# ## New sentences
#
# The vocabulary is kept inside the model's file, so `load_model` alone can judge a sentence.
# %%
classifier = md.text.TextClassifier(model, vocabulary, length, labels=labels)
predicted = [label for label, _ in classifier.predict(found.test.texts)]
print(f"{reviews.accuracy(found.test.labels, predicted):.0%}")
classifier.save("sentiment_lstm.safetensors")
loaded = md.load_model("sentiment_lstm.safetensors")
for text, (label, probability) in zip(found.new, loaded.predict(found.new), strict=True):
    print(f"{label} ({probability:.0%}): {text}")
