# %% [markdown] id
# # Angka tulisan tangan
#
# Sebuah jaringan saraf kecil belajar mengenali angka 0 sampai 9. Datanya 1.797 gambar berukuran 8
# × 8 piksel dari scikit-learn; tidak ada yang perlu diunduh.
# %% [markdown] en
# # Handwritten digits
#
# A small neural network learns to tell the digits 0 to 9 apart. The data are 1,797 images of 8 × 8
# pixels from scikit-learn; nothing has to be downloaded.
# %%
import mundur as md
import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    x, y, test_size=0.25, stratify=y, random_state=0
)
figure, axes = pyplot.subplots(1, 10, figsize=(12, 2))
for axis, image, label in zip(axes, train_x, train_y, strict=False):
    axis.imshow(image.reshape(8, 8), cmap="gray_r")
    axis.set_title(str(label))
    axis.set_axis_off()

# %% [markdown] id
# ## Jaringan
#
# Setiap piksel bernilai 0 sampai 16; `Rescaling` membawanya ke antara 0 dan 1. Lapisan `Dense`
# menghitung $z = aW + b$ dari keluaran $a$ lapisan sebelumnya, lalu ReLU membuang nilai negatif:
# $\max(0, z)$. `Dropout` mengenolkan seperlima neuron, secara acak dan hanya selama pelatihan.
# Lapisan terakhir memberi sepuluh skor $z_j$, satu untuk setiap angka. Softmax mengubah skor
# menjadi peluang, dan fungsi loss-nya, *cross-entropy*, menilai peluang angka yang benar, $t$:
# $$a_j = \frac{e^{z_j}}{\sum_k e^{z_k}} \qquad L = -\ln a_t$$
# Softmax termasuk dalam fungsi loss (`from_logits=True`), jadi keluaran model adalah skor.
# %% [markdown] en
# ## The network
#
# Each pixel has a value from 0 to 16; `Rescaling` brings it between 0 and 1. A `Dense` layer
# computes $z = aW + b$ of the outputs $a$ of the layer before, then ReLU drops what is negative:
# $\max(0, z)$. `Dropout` sets a fifth of the neurons to zero, at random and in training only. The
# last layer gives ten scores $z_j$, one for each digit. Softmax makes probabilities of the scores,
# and the loss function, the cross-entropy, judges the probability of the right digit, $t$:
# $$a_j = \frac{e^{z_j}}{\sum_k e^{z_k}} \qquad L = -\ln a_t$$
# The softmax is part of the loss (`from_logits=True`), so what the model gives are scores.
# %%
model = md.Model(
    [
        md.layers.Rescaling(1 / 16),
        md.layers.Dense(128, activation="relu"),
        md.layers.Dropout(0.2),
        md.layers.Dense(64, activation="relu"),
        md.layers.Dense(10),
    ],
    seed=0,
    input_shape=(64,),
)
model.compile(
    optimizer=md.optimizers.Adam(learning_rate=1e-3),
    loss=md.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.summary()

# %% [markdown] id
# ## Pelatihan
#
# Satu *epoch* adalah sekali melewati semua gambar latih. Sepersepuluhnya disisihkan untuk
# validasi: gambar itu tidak dipakai belajar, hanya untuk melihat apakah jaringan juga benar pada
# gambar baru. Mula-mula loss pelatihan lebih tinggi daripada loss validasi: ia dihitung dengan
# dropout, dan selama bobotnya masih berubah.
# %% [markdown] en
# ## Training
#
# An epoch is one pass over all training images. A tenth of them is held out for validation: the
# network does not learn from those, they only show whether it is right on new images, too. At first
# the training loss is above that of the validation: it is taken with dropout, and while the weights
# still change.
# %%
history = model.fit(train_x, train_y, epochs=40, validation_split=0.1, verbose=0)
history.plot(language="en")
# %% [markdown] id
# ## Pengujian
#
# Himpunan uji belum pernah dilihat jaringan. Di bawah ini akurasinya, banyaknya yang salah dari
# semuanya, dan beberapa gambar yang salah ditebak: di atasnya tebakan jaringan, lalu angka yang
# benar dalam kurung. Sering gambarnya memang sulit dibaca.
# %% [markdown] en
# ## Test
#
# The network has never seen the test set. Below are its accuracy, how many of all are wrong, and
# some images that are mistaken: above each what the network took it for, and in parentheses the
# right digit. Often the image is hard to read indeed.
# %%
loss, accuracy = model.evaluate(test_x, test_y, verbose=0)
predicted = model.predict(test_x).argmax(axis=1)
wrong = np.flatnonzero(predicted != test_y)
print(f"{accuracy:.2%} ({len(wrong)} / {len(test_y)})")
figure, axes = pyplot.subplots(1, 10, figsize=(12, 2))
for axis, i in zip(axes, wrong, strict=False):
    axis.imshow(test_x[i].reshape(8, 8), cmap="gray_r")
    axis.set_title(f"{predicted[i]} ({test_y[i]})", color="red")
for axis in axes:
    axis.set_axis_off()
assert accuracy > 0.95

# %% [markdown] id
# ## Simpan dan muat
#
# Satu berkas memuat lapisan, bobot, dan keadaan optimizer. Model yang dimuat menebak hal yang
# sama.
# %% [markdown] en
# ## Save and load
#
# One file holds the layers, the weights and the optimizer's state. The loaded model predicts the
# same.
# %%
model.save("digits.safetensors")
loaded = md.load_model("digits.safetensors")
assert np.array_equal(loaded.predict(test_x), model.predict(test_x))
