# %% [markdown] id
# # Sentimen kalimat dengan LSTM
#
# Apakah sebuah kalimat memuji atau mencela? Jaringan ini membaca kata demi kata. Perulangan
# pelatihannya ditulis sendiri: propagasi maju, loss, propagasi mundur, langkah. Datanya 2.460
# kalimat pendek, Indonesia dan Inggris, yang ikut dalam paket; isi `DATA` dengan folder ulasan
# (misalnya aclImdb) untuk melatih dengan data sungguhan.
# %% [markdown] en
# # The sentiment of sentences with an LSTM
#
# Does a sentence praise or blame? This network reads word by word. The training loop is written by
# hand: forward, loss, backward, step. The data are the 2,460 short sentences, Indonesian and
# English, that ship with the package; set `DATA` to a folder of reviews (such as aclImdb) to train
# on the real thing.
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
# Kosakata menomori kata data latih menurut kekerapannya; tanda baca juga dihitung kata. Nomor 0
# adalah isian untuk kalimat pendek, nomor 1 kata yang tidak dikenal. Semua kalimat dibuat sama
# panjang, `length`, yang cukup bagi 95% dari mereka: dari kalimat yang lebih panjang hanya
# kata-kata terakhir yang dibaca. Isian diletakkan di depan, supaya LSTM berakhir pada kata
# terakhir.
# %% [markdown] en
# ## From words to numbers
#
# A vocabulary numbers the words of the training data by how often they occur; punctuation counts as
# words, too. Number 0 pads short sentences, number 1 is a word that is not known. All sentences get
# the same `length`, which is enough for 95% of them: of longer ones only the last words are read.
# Padding goes to the front, so that the LSTM ends on the last word.
# %%
vocabulary = md.text.Vocabulary(20_000).fit(found.train.texts)
lengths = [len(row) for row in vocabulary.sequences(found.train.texts)]
length = min(int(np.quantile(lengths, 0.95)), 400)
print(len(found.train.texts), len(vocabulary), length)
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
# `Embedding` memberi setiap kata sebuah vektor $x_t$, yang ikut dilatih; isian dilewati
# (`mask_zero`). LSTM membawa ingatan $c_t$ dari kata ke kata. Tiga gerbang, masing-masing antara 0
# dan 1, mengaturnya: gerbang lupa $f$ menentukan apa yang tinggal, gerbang masukan $i$ apa yang
# ditambahkan dari hal baru $n$, gerbang keluaran $o$ apa yang disampaikan. Semuanya dihitung dari
# $x_t$ dan $h_{t-1}$, masing-masing dengan $W$, $U$, dan $b$ sendiri:
# $$i, f, o = \sigma(x_t W + h_{t-1} U + b) \qquad n = \tanh(x_t W_n + h_{t-1} U_n + b_n)$$
# $$c_t = f \odot c_{t-1} + i \odot n \qquad h_t = o \odot \tanh(c_t)$$
#
# Dari $h_t$ pada kata terakhir, `Dense` membuat satu skor: di atas 0 berarti memuji.
# %% [markdown] en
# ## The network
#
# `Embedding` gives each word a vector $x_t$, which is learned as well; padding is passed over
# (`mask_zero`). An LSTM carries a memory $c_t$ from word to word. Three gates, each between 0 and
# 1, rule over it: the forget gate $f$ says what stays, the input gate $i$ what is added of the new,
# $n$, and the output gate $o$ what is said. All are computed from $x_t$ and $h_{t-1}$, each with a
# $W$, $U$ and $b$ of its own:
# $$i, f, o = \sigma(x_t W + h_{t-1} U + b) \qquad n = \tanh(x_t W_n + h_{t-1} U_n + b_n)$$
# $$c_t = f \odot c_{t-1} + i \odot n \qquad h_t = o \odot \tanh(c_t)$$
#
# Of $h_t$ at the last word, `Dense` makes one score: above 0 means praise.
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
# ## Perulangan pelatihan
#
# Untuk setiap *batch* kecil: `forward` menghitung keluaran, `loss.gradient` turunan loss terhadap
# keluaran itu, `backward` turunan loss terhadap setiap bobot (aturan rantai, dari belakang ke
# depan), dan `step` menggeser bobot.
# %% [markdown] en
# ## The training loop
#
# For each small batch: `forward` computes the outputs, `loss.gradient` the derivative of the loss
# by these outputs, `backward` that by every weight (the chain rule, from the back to the front),
# and `step` moves the weights.
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
history.plot(language="en")
assert history.history["loss"][-1] < history.history["loss"][0]

# %% [markdown] id
# Loss pelatihan turun sampai hampir nol, tetapi loss validasi naik lagi setelah beberapa *epoch*:
# *overfitting*. Kalimat validasi disusun dengan pola yang tidak ada dalam data latih. Dropout
# menahannya, penghentian dini juga (lihat `sentiment_cnn_lstm`).
#
# ## Kalimat baru
#
# Kosakata disimpan di dalam berkas model, jadi `load_model` saja cukup untuk menebak kalimat. Di
# bawah ini akurasi pada himpunan uji, lalu beberapa kalimat baru, masing-masing dengan tebakan dan
# peluangnya. Kata-katanya hanya beberapa ratus, dari satu tangan: ulasan sungguhan jauh lebih
# sulit.
# %% [markdown] en
# The training loss falls to almost zero, but the validation loss rises again after some epochs:
# overfitting. The validation sentences are made in patterns that the training data have not got.
# Dropout works against it, and so does early stopping (see `sentiment_cnn_lstm`).
#
# ## New sentences
#
# The vocabulary is kept inside the model's file, so `load_model` alone can judge a sentence. Below
# are the accuracy on the test set, and then some new sentences, each with what it was taken for and
# the probability of that. The words are some hundreds, of one hand: real reviews are much harder.
# %%
classifier = md.text.TextClassifier(model, vocabulary, length, labels=labels)
predicted = [label for label, _ in classifier.predict(found.test.texts)]
print(f"{reviews.accuracy(found.test.labels, predicted):.0%}")
classifier.save("sentiment_lstm.safetensors")
loaded = md.load_model("sentiment_lstm.safetensors")
for text, (label, probability) in zip(found.new, loaded.predict(found.new), strict=True):
    print(f"{label} ({probability:.0%}): {text}")
