# %% [markdown] id
# # Angka tulisan tangan dengan konvolusi
#
# Di notebook `digits`, jaringan melihat 64 bilangan tanpa tahu piksel mana bersebelahan. Jaringan
# konvolusi (*convnet*) memandang gambar sebagai gambar: ia mencari pola kecil, dan pola yang sama
# dikenalinya di mana pun letaknya. Datanya lagi 1.797 gambar 8 × 8 piksel dari scikit-learn; tidak
# ada yang perlu diunduh, dan semuanya selesai dalam beberapa detik.
# %% [markdown] en
# # Handwritten digits by convolutions
#
# In the notebook `digits` the network sees 64 numbers, and does not know which pixels are
# neighbours. A convolutional network (convnet) looks at an image as an image: it seeks small
# patterns, and knows the same pattern wherever it lies. The data are again scikit-learn's 1,797
# images of 8 × 8 pixels; nothing has to be downloaded, and all of it takes some seconds.
# %%
import mundur as md
import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1)
train_x, test_x, train_y, test_y = train_test_split(
    x, y, test_size=0.25, stratify=y, random_state=0
)
print(train_x.shape, test_x.shape)


def show(images, titles=(), **options):
    """Gambar berjajar, delapan sebaris; images side by side, eight in a row."""
    rows = -(-len(images) // 8)
    _, axes = pyplot.subplots(rows, 8, figsize=(10, 1.5 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image in zip(axes.flat, images, strict=False):
        axis.imshow(image, **options)
    for axis, title in zip(axes.flat, titles, strict=False):
        axis.set_title(title)


# %% [markdown] id
# ## Konvolusi
#
# Sebuah *kernel* adalah jendela kecil dari bobot, di sini 3 × 3. Ia digeser di atas gambar, dan di
# setiap tempat $(p, q)$ bobotnya dikalikan dengan piksel di bawahnya, lalu dijumlahkan:
# $$z_{pqj} = \sum_{k} \sum_{l} \sum_{i} x_{(p+k)(q+l)i} \, W_{klij} + b_j$$
# Hasilnya, sesudah fungsi aktivasi, satu gambar untuk setiap kernel $j$: sebuah *peta fitur*, yang
# nilainya besar di tempat pola ditemukan. Bobotnya sama di semua tempat, maka sedikit saja: lapisan
# pertama di bawah ini punya 16 kernel dengan 9 bobot dan satu bias, jadi 160 parameter.
#
# `MaxPooling2D` hanya meneruskan nilai terbesar dari setiap 2 × 2 piksel. Gambarnya menjadi
# setengah tinggi dan setengah lebar, dan kernel 3 × 3 yang berikut melihat bagian yang lebih luas
# dari gambar semula. `BatchNormalization` menjaga nilai setiap peta fitur di sekitar 0 dengan
# simpangan baku 1, lalu menskalakannya dengan bobot yang dipelajari, supaya pelatihan lebih lancar.
# Akhirnya `Flatten` menjajarkan semua bilangan bagi lapisan `Dense`, seperti di `digits`.
# %% [markdown] en
# ## Convolution
#
# A kernel is a small window of weights, 3 × 3 here. It is moved over the image, and at each place
# $(p, q)$ its weights are multiplied by the pixels below and summed up:
# $$z_{pqj} = \sum_{k} \sum_{l} \sum_{i} x_{(p+k)(q+l)i} \, W_{klij} + b_j$$
# What comes of it, after the activation, is an image for each kernel $j$: a feature map, whose
# values are large where the pattern was found. The weights are the same at all places, so there
# are few: the first layer below has 16 kernels of 9 weights and a bias, which makes 160 parameters.
#
# `MaxPooling2D` hands on only the largest value of each 2 × 2 pixels. The image gets half as high
# and half as wide, and the next kernel of 3 × 3 sees a larger part of the original one.
# `BatchNormalization` keeps the values of each feature map around 0 with a standard deviation of 1,
# and then scales them by weights that are learned, so that the training goes more smoothly. In the
# end `Flatten` puts all numbers in a row for the `Dense` layers, as in `digits`.
# %%
EPOCHS = 30


def network():
    model = md.Model(
        [
            md.layers.Rescaling(1 / 16),
            md.layers.Conv2D(16, 3, activation="relu", padding="same"),
            md.layers.MaxPooling2D(),
            md.layers.Conv2D(32, 3, activation="relu", padding="same"),
            md.layers.BatchNormalization(momentum=0.9),
            md.layers.MaxPooling2D(),
            md.layers.Flatten(),
            md.layers.Dense(64, activation="relu"),
            md.layers.Dropout(0.4),
            md.layers.Dense(10),
        ],
        seed=0,
        input_shape=(8, 8, 1),
    )
    model.compile(
        optimizer=md.optimizers.Adam(learning_rate=2e-3),
        loss=md.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


plain = network()
plain.summary()

# %% [markdown] id
# ## Pelatihan
#
# Sepersepuluh dari data latih disisihkan untuk validasi. Di bawah ini akurasi pada himpunan uji,
# lalu kurva loss dan akurasi.
# %% [markdown] en
# ## Training
#
# A tenth of the training data is held out for validation. Below are the accuracy on the test set,
# and the curves of loss and accuracy.
# %%
history = plain.fit(train_x, train_y, epochs=EPOCHS, validation_split=0.1, verbose=0)
history.plot(language="en")
print(f"{plain.evaluate(test_x, test_y, verbose=0)[1]:.1%}")

# %% [markdown] id
# ## Augmentasi
#
# Angka yang digeser, diputar, atau diperbesar sedikit tetap angka yang sama, tetapi jaringan belum
# tahu itu: dalam data ini semua angka rapi di tengah. Maka setiap kali sebuah gambar latih dibaca,
# kita ubah sedikit secara acak. Jaringan tidak pernah melihat gambar yang persis sama dua kali, dan
# lebih sulit menghafal. Baris pertama: gambar asli; dua baris lain: gambar yang dilihat jaringan.
# %% [markdown] en
# ## Augmentation
#
# A digit that is moved, turned or zoomed a little is still the same digit, but the network does not
# know that yet: in these data all digits are neatly in the middle. So each time that a training
# image is read, we change it a little, at random. The network never sees quite the same image
# twice, and can hardly learn it by heart. The first row are the images as they are, the other two
# what the network sees.
# %%
changes = [
    md.layers.RandomRotation(0.03, "constant"),
    md.layers.RandomZoom(0.1, 0.1, "constant"),
    md.layers.RandomTranslation(0.1, 0.1, "constant"),
]
few = train_x[[np.flatnonzero(train_y == k)[0] for k in range(8)]].astype("float32")
change = md.Model(changes, seed=0, input_shape=(8, 8, 1))
seen = [few, *(change.forward(few, training=True) for _ in range(2))]
show(np.concatenate(seen)[..., 0], cmap="gray_r", vmin=0, vmax=16)

# %% [markdown] id
# Jaringan yang sama sekali lagi, kali ini dengan `augment`. Loss pelatihannya tetap lebih tinggi:
# gambar yang diubah lebih sulit, dan selalu baru. Gambar validasi tidak diubah.
#
# Lalu kedua jaringan diuji: akurasi yang pertama pada himpunan uji yang asli, yang kedua pada
# himpunan uji yang gambarnya diubah seperti di atas. Tanpa augmentasi (`plain`), jaringan hanya
# mengenali angka yang rapi; dengan augmentasi, juga yang tergeser dan miring. Pada angka yang rapi
# akurasinya malah sedikit turun: augmentasi menolong sejauh data baru memang berubah seperti itu.
# %% [markdown] en
# The same network once more, this time with `augment`. Its training loss stays higher: changed
# images are harder, and always new. Validation images are not changed.
#
# Then both networks are tested: the first accuracy is on the test set as it is, the second on the
# test set with its images changed as above. Without augmentation (`plain`) the network knows neat
# digits only; with augmentation also those that are moved and turned. On neat digits its accuracy
# is even a little lower: augmentation helps as far as new data do change like that.
# %%
model = network()
history = model.fit(
    train_x, train_y, epochs=EPOCHS, validation_split=0.1, augment=changes, verbose=0
)
history.plot(language="en")
moved_x = change.forward(test_x.astype("float32"), training=True)
for name, one in (("plain", plain), ("augment", model)):
    neat, moved = (one.evaluate(images, test_y, verbose=0)[1] for images in (test_x, moved_x))
    print(f"{name:8} {neat:.1%}   {moved:.1%}")
    assert neat > 0.96 and (moved > 0.9) == (one is model)

# %% [markdown] id
# ## Yang dipelajari kernel
#
# Ke-16 kernel lapisan pertama: biru untuk bobot positif (piksel gelap di situ mendukung), merah
# untuk yang negatif (menentang). Beberapa di antaranya mencari tepi: biru di satu sisi dan merah di
# sisi lain. Tidak ada yang memberi tahu jaringan tentang tepi; itu ditemukannya dengan *gradient
# descent*.
# %% [markdown] en
# ## What the kernels have learned
#
# The 16 kernels of the first layer: blue are positive weights (a dark pixel there speaks for the
# pattern), red are negative ones (it speaks against). Some of them seek edges: blue on one side,
# and red on the other. Nobody told the network of edges; it found them by gradient descent.
# %%
kernels = model.parameters["conv2d/kernel"][:, :, 0]
most = np.abs(kernels).max()
show(np.moveaxis(kernels, -1, 0), cmap="RdBu", vmin=-most, vmax=most)

# %% [markdown] id
# Dan peta fitur mereka untuk sebuah angka 2, dalam urutan yang sama: gelap di tempat pola
# ditemukan. `md.Model(masukan, keluaran)` memotong jaringan sesudah lapisan itu, dengan bobot yang
# sama.
# %% [markdown] en
# And their feature maps of a 2, in the same order: dark where the pattern was found.
# `md.Model(input, output)` cuts the network behind that layer, with the same weights.
# %%
first = md.Model(model.input, model.layers[1].output)
two = test_x[np.flatnonzero(test_y == 2)[:1]]
show([two[0, ..., 0]], cmap="gray_r")
show(np.moveaxis(first.predict(two)[0], -1, 0), cmap="gray_r")

# %% [markdown] id
# ## Pengujian
#
# **Matriks kebingungan**: baris adalah angka yang benar, kolom tebakan jaringan. Yang di luar
# diagonal salah, dan setiap gambar itu tampak di bawahnya: tebakan jaringan, lalu angka yang benar
# dalam kurung.
# %% [markdown] en
# ## Test
#
# The **confusion matrix**: rows are the right digits, columns what the network took them for. What
# is off the diagonal is wrong, and each of those images is shown below it: what the network took it
# for, and in parentheses the right digit.
# %%
predicted = model.predict(test_x).argmax(axis=1)
figure, axes = pyplot.subplots(figsize=(6, 6))
md.plots.confusion(test_y, predicted, axes=axes, language="en")
wrong = np.flatnonzero(predicted != test_y)
show(test_x[wrong][..., 0], [f"{predicted[i]} ({test_y[i]})" for i in wrong], cmap="gray_r")
