"""Who likes which film: embeddings of users and films, their product, and biases."""

import keras
import numpy as np
from keras.layers import Add, Dot, Embedding, Flatten, Input
from keras.models import Model
from keras.regularizers import l2

keras.utils.set_random_seed(13)

num_users, num_films, embedding_size = 60, 40, 4
rng = np.random.default_rng(5)
taste, style = rng.normal(size=(num_users, 2)), rng.normal(size=(num_films, 2))
kind, fame = 0.5 * rng.normal(size=num_users), 0.5 * rng.normal(size=num_films)
user = rng.integers(0, num_users, size=6000)
film = rng.integers(0, num_films, size=6000)
rating = (taste[user] * style[film]).sum(axis=1) + kind[user] + fame[film]
rating = (rating + 0.1 * rng.normal(size=rating.size)).astype("float32")
u_train, f_train, r_train = user[:5000], film[:5000], rating[:5000]
u_test, f_test, r_test = user[5000:], film[5000:], rating[5000:]

user_in = Input(shape=(1,), name="user", dtype="int32")
film_in = Input(shape=(1,), name="film", dtype="int32")
u = Embedding(
    num_users, embedding_size, embeddings_initializer="he_normal", embeddings_regularizer=l2(1e-6)
)(user_in)
f = Embedding(
    num_films, embedding_size, embeddings_initializer="he_normal", embeddings_regularizer=l2(1e-6)
)(film_in)
u_bias = Flatten()(Embedding(num_users, 1, name="user_bias")(user_in))
f_bias = Flatten()(Embedding(num_films, 1, name="film_bias")(film_in))
alike = Dot(axes=1)([Flatten()(u), Flatten()(f)])
out = Add(name="rating")([alike, u_bias, f_bias])
model = Model([user_in, film_in], out)
model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate=0.01), metrics=["mae"])
history = model.fit(
    x=[u_train, f_train],
    y=r_train,
    batch_size=64,
    epochs=12,
    verbose=0,
    validation_data=([u_test, f_test], r_test),
)

# The five best films of a user whose films are told by what was learned.
someone = np.full(num_films, 7)
told = model.predict({"user": someone, "film": np.arange(num_films)}, verbose=0).ravel()
truth = style @ taste[7] + kind[7] + fame
best = np.argsort(told)[::-1][:5]
residual = r_test - model.predict([u_test, f_test], verbose=0).ravel()

scores = {
    "explained": float(1 - (residual**2).mean() / r_test.var()),
    "best": float(truth[best].mean() > np.sort(truth)[-12:].mean()),
    "table": float(model.get_layer("film_bias").get_weights()[0].shape == (num_films, 1)),
}
