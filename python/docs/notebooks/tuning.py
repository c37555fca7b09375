# %% [markdown] id
# # Memilih setelan: validasi silang dan pencarian grid
#
# Laju pembelajaran, banyaknya lapisan, banyaknya neuron: semua itu *hiperparameter*, yang tidak
# dipelajari jaringan dari data. Cara mencarinya: coba beberapa, lalu nilai masing-masing dengan
# data yang tidak dipakai belajar.
# %% [markdown] en
# # Choosing the settings: cross-validation and grid search
#
# Learning rate, number of layers, number of neurons: these are *hyperparameters*, which a network
# does not learn from the data. The way to find them: try some, and judge each by data that it has
# not learned from.
# %%
import mundur as md
import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    x / 16, y, test_size=0.2, stratify=y, random_state=0
)


def network(hidden=(64,), learning_rate=1e-3):
    layers = [md.layers.Dense(neurons, activation="relu") for neurons in hidden]
    model = md.Model([*layers, md.layers.Dense(10, activation="softmax")], seed=0)
    model.compile(
        optimizer=md.optimizers.Adam(learning_rate=learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


# %% [markdown] id
# ## Validasi silang
#
# Data latih dibagi menjadi lima lipatan (*fold*). Lima kali jaringan dilatih dari awal dengan empat
# lipatan dan dinilai dengan lipatan yang tersisa. Rata-ratanya menaksir akurasi setelan ini pada
# data baru, simpangan bakunya (±) seberapa pasti taksiran itu. `test` di bawah ini adalah lipatan
# yang tersisa; himpunan uji belum dipakai.
# %% [markdown] en
# ## Cross-validation
#
# The training data are divided into five folds. Five times the network is trained from scratch on
# four of them and judged by the one that is left. The mean estimates the accuracy of these settings
# on new data, the standard deviation (±) how certain that is. `test` below is the fold that is
# left; the test set has not been used yet.
# %%
found = md.model_selection.cross_validate(
    network, train_x, train_y, cv=5, epochs=20, return_train_score=True, verbose=0
)
for kind in ("train", "test"):
    scores = found[f"{kind}_accuracy"]
    print(f"{kind}: {scores.mean():.2%} ± {scores.std():.2%}   ", np.round(scores, 3))

# %% [markdown] id
# ## Pencarian grid
#
# Pencarian grid (*grid search*) mencoba setiap gabungan laju pembelajaran dan bentuk jaringan, dan
# menilai masing-masing dengan validasi silang: 16 gabungan × 5 lipatan = 80 pelatihan, beberapa
# sekaligus kalau prosesornya punya beberapa inti.
# %% [markdown] en
# ## Grid search
#
# A grid search tries each combination of learning rate and shape of the network, and judges it by
# cross-validation: 16 combinations × 5 folds = 80 trainings, some at a time where the processor has
# some cores.
# %%
rates = [1e-4, 1e-3, 1e-2, 1e-1]
shapes = [(16,), (64,), (16, 16), (64, 64)]
search = md.model_selection.GridSearch(
    network, {"hidden": shapes, "learning_rate": rates}, cv=5, epochs=20, verbose=0
)
search.fit(train_x, train_y)
search.best_params_, round(search.best_score_, 4)

# %% [markdown] id
# Setiap kotak adalah akurasi rata-rata sebuah gabungan: baris demi baris neuron tiap lapisan
# tersembunyi, dan mendatar laju pembelajaran $\eta$.
# %% [markdown] en
# Each field is the mean accuracy of a combination: in rows the neurons of each hidden layer, and
# across the learning rate $\eta$.
# %%
means = search.cv_results_["mean_test_score"].reshape(len(shapes), len(rates))
figure, axes = pyplot.subplots()
axes.imshow(means, vmin=0, vmax=1, cmap="cividis")
axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
axes.set_yticks(range(len(shapes)), ["-".join(map(str, hidden)) for hidden in shapes])
axes.set_xlabel("η")
for (row, column), mean in np.ndenumerate(means):
    axes.text(column, row, f"{mean:.1%}", ha="center", color="black" if mean > 0.6 else "white")

# %% [markdown] id
# Laju pembelajaran terlalu kecil: setelah 20 *epoch* jaringan belum selesai belajar, apalagi yang
# neuronnya sedikit. Terlalu besar: langkahnya melompati minimum, dan dua lapisan lebih peka
# daripada satu. Pada laju yang cocok, banyaknya neuron tidak lagi banyak menentukan.
#
# ## Pengujian
#
# Pemenangnya sudah dilatih lagi dengan seluruh data latih. Himpunan uji tidak ikut memilih, maka
# akurasi di bawah ini jujur.
# %% [markdown] en
# Too small a learning rate: after 20 epochs the network has not finished learning, least of all one
# of few neurons. Too large: its steps leap over the minimum, and two layers are more sensitive than
# one. At a rate that suits, the number of neurons does not decide much any more.
#
# ## Test
#
# The winner has been trained again, on all training data. The test set had no part in the choice,
# so the accuracy below is honest.
# %%
loss, accuracy = search.best_model_.evaluate(test_x, test_y, verbose=0)
print(f"{accuracy:.2%}")
