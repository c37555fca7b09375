# %% [markdown] id
# # Memilih setelan: validasi silang dan *grid search*
#
# Laju belajar, banyaknya lapisan, banyaknya neuron: semua itu *hiperparameter*, yang tidak
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
# Data latih dibagi menjadi lima bagian (*fold*). Lima kali jaringan dilatih dari awal dengan empat
# bagian dan dinilai dengan bagian kelima. Rata-ratanya menaksir seberapa baik setelan ini pada data
# baru, simpangannya seberapa pasti taksiran itu.
# %% [markdown] en
# ## Cross-validation
#
# The training data are divided into five folds. Five times the network is trained from scratch on
# four of them and judged by the fifth. The mean estimates how good these settings are on new data,
# the deviation how certain that is.
# %%
found = md.model_selection.cross_validate(
    network, train_x, train_y, cv=5, epochs=20, return_train_score=True, verbose=0
)
for kind in ("train", "test"):
    scores = found[f"{kind}_accuracy"]
    print(f"{kind}: {scores.mean():.2%} ± {scores.std():.2%}   ", np.round(scores, 3))

# %% [markdown] id
# ## *Grid search*
#
# Setiap gabungan laju pembelajaran dan arsitektur dinilai dengan validasi silang: 16 calon × 5
# bagian = 80 latihan, dua sekaligus pada dua inti prosesor.
# %% [markdown] en
# ## Grid search
#
# Each combination of learning rate and architecture is judged by cross-validation: 16 candidates ×
# 5 folds = 80 trainings, two at a time on two cores.
# %%
rates = [1e-4, 1e-3, 1e-2, 1e-1]
shapes = [(16,), (64,), (16, 16), (64, 64)]
search = md.model_selection.GridSearch(
    network, {"hidden": shapes, "learning_rate": rates}, cv=5, epochs=20, verbose=0
)
search.fit(train_x, train_y)
search.best_params_, round(search.best_score_, 4)
# %%
means = search.cv_results_["mean_test_score"].reshape(len(shapes), len(rates))
figure, axes = pyplot.subplots()
axes.imshow(means, vmin=0, vmax=1)
axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
axes.set_yticks(range(len(shapes)), ["-".join(map(str, hidden)) for hidden in shapes])
axes.set_xlabel("learning rate")
for (row, column), mean in np.ndenumerate(means):
    axes.text(column, row, f"{mean:.1%}", ha="center", color="black" if mean > 0.6 else "white")

# %% [markdown] id
# Laju belajar terlalu kecil: setelah 20 *epoch* jaringan belum selesai belajar. Terlalu besar:
# langkahnya melompati minimum. Banyaknya neuron kurang menentukan daripada laju pembelajaran.
#
# ## Ujian
#
# Pemenangnya sudah dilatih lagi dengan semua data latih. Data uji tidak ikut menentukan pilihan,
# maka hasilnya jujur.
# %% [markdown] en
# Too small a learning rate: after 20 epochs the network has not finished learning. Too large: its
# steps leap over the minimum. The number of neurons decides less than the learning rate.
#
# ## Test
#
# The winner has been trained again, on all training data. The test data had no part in the choice,
# so what they say is honest.
# %%
loss, accuracy = search.best_model_.evaluate(test_x, test_y, verbose=0)
print(f"{accuracy:.2%}")
