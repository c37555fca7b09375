# %% [markdown] id
# # Latihan: propagasi mundur dengan tangan sendiri
#
# Sebuah jaringan dengan satu lapisan tersembunyi, semua unitnya logistik, dan satu sampel:
#
# $$z_j = \sum_i x_i W_{ij} + b_j \qquad a_j = \sigma(z_j) = \frac{1}{1 + e^{-z_j}} \qquad
# E = \tfrac12 \sum_j (y_j - t_j)^2$$
#
# Isilah keenam fungsi di bawah ini dengan daftar (*list*) Python biasa atau NumPy. Sel di bawah
# setiap fungsi memeriksanya: turunan dibandingkan dengan beda hingga pusat
# $(E(w + h) - E(w - h)) / 2h$, dan kesalahan yang sering terjadi mendapat petunjuk.
# %% [markdown] en
# # Exercise: backpropagation by your own hand
#
# A network with one hidden layer, all of its units logistic, and one sample:
#
# $$z_j = \sum_i x_i W_{ij} + b_j \qquad a_j = \sigma(z_j) = \frac{1}{1 + e^{-z_j}} \qquad
# E = \tfrac12 \sum_j (y_j - t_j)^2$$
#
# Fill in the six functions below, with plain Python lists or with NumPy. The cell below each of
# them checks it: derivatives are held against central differences
# $(E(w + h) - E(w - h)) / 2h$, and mistakes that are often made get a hint.
# %%
from math import exp

from mundur.reference import exercises


# %% [markdown] id
# ## 1. Propagasi maju
#
# `forward(x, W, b)` mengembalikan keluaran $a$ dari satu lapisan. `W[i][j]` adalah bobot dari
# masukan $i$ ke unit $j$.
# %% [markdown] en
# ## 1. Forward
#
# `forward(x, W, b)` returns the output $a$ of one layer. `W[i][j]` leads from input $i$ to unit
# $j$.
# %% [solution] forward
def forward(x, W, b):
    ### BEGIN SOLUTION
    z = [sum(x[i] * W[i][j] for i in range(len(x))) + b[j] for j in range(len(b))]
    return [1 / (1 + exp(-z_j)) for z_j in z]
    ### END SOLUTION


# %% [test] forward 2
exercises.grade("forward", forward, language="en")


# %% [markdown] id
# ## 2. Galat
#
# `loss(t, y)` mengembalikan $E$ untuk target `t` dan keluaran `y`.
# %% [markdown] en
# ## 2. The error
#
# `loss(t, y)` returns $E$ for the targets `t` and the outputs `y`.
# %% [solution] loss
def loss(t, y):
    ### BEGIN SOLUTION
    return sum((y_j - t_j) ** 2 for y_j, t_j in zip(y, t, strict=True)) / 2
    ### END SOLUTION


# %% [test] loss 1
exercises.grade("loss", loss, language="en")


# %% [markdown] id
# ## 3. δ di keluaran
#
# $\delta_j = \partial E / \partial z_j$. Menurut aturan rantai itu
# $\partial E / \partial y_j$ kali $\sigma'(z_j)$. Nyatakan $\sigma'$ dengan $y$ saja.
# %% [markdown] en
# ## 3. δ at the outputs
#
# $\delta_j = \partial E / \partial z_j$. By the chain rule that is
# $\partial E / \partial y_j$ times $\sigma'(z_j)$. Write $\sigma'$ in terms of $y$ alone.
# %% [solution] delta_output
def delta_output(t, y):
    ### BEGIN SOLUTION
    return [(y_j - t_j) * y_j * (1 - y_j) for y_j, t_j in zip(y, t, strict=True)]
    ### END SOLUTION


# %% [test] delta_output 2
exercises.grade("delta_output", delta_output, language="en")


# %% [markdown] id
# ## 4. δ di lapisan tersembunyi
#
# `delta_hidden(delta, W, a)`: `delta` dan `W` milik lapisan sesudahnya, `a` keluaran lapisan ini.
# Setiap unit menerima galat dari semua unit yang dipengaruhinya.
# %% [markdown] en
# ## 4. δ in the hidden layer
#
# `delta_hidden(delta, W, a)`: `delta` and `W` are those of the layer behind, `a` the output of this
# one. Each unit gets the error of all units that it has a part in.
# %% [solution] delta_hidden
def delta_hidden(delta, W, a):
    ### BEGIN SOLUTION
    back = [sum(w * d for w, d in zip(row, delta, strict=True)) for row in W]
    return [a_j * (1 - a_j) * g for a_j, g in zip(a, back, strict=True)]
    ### END SOLUTION


# %% [test] delta_hidden 3
exercises.grade("delta_hidden", delta_hidden, language="en")


# %% [markdown] id
# ## 5. Gradien bobot dan bias
#
# `gradients(x, delta)` mengembalikan keduanya: $\partial E / \partial W$ dan
# $\partial E / \partial b$.
# %% [markdown] en
# ## 5. The gradients of weights and biases
#
# `gradients(x, delta)` returns both: $\partial E / \partial W$ and
# $\partial E / \partial b$.
# %% [solution] gradients
def gradients(x, delta):
    ### BEGIN SOLUTION
    return [[x_i * d_j for d_j in delta] for x_i in x], list(delta)
    ### END SOLUTION


# %% [test] gradients 2
exercises.grade("gradients", gradients, language="en")


# %% [markdown] id
# ## 6. Pembaruan
#
# `update(w, g, eta)` mengembalikan bobot baru menurut *gradient descent*.
# %% [markdown] en
# ## 6. The update
#
# `update(w, g, eta)` returns the new weights by gradient descent.
# %% [solution] update
def update(w, g, eta):
    ### BEGIN SOLUTION
    return [
        [w_ij - eta * g_ij for w_ij, g_ij in zip(*rows, strict=True)]
        for rows in zip(w, g, strict=True)
    ]
    ### END SOLUTION


# %% [test] update 1
exercises.grade("update", update, language="en")

# %% [markdown] id
# ## 7. Semuanya bersama: contoh 2-2-2
#
# Keenam fungsi itu sudah cukup untuk belajar. Inilah contoh yang terkenal: masukan 0,05 dan 0,10,
# target 0,01 dan 0,99, $\eta$ = 0,5; bias tetap. Galatnya 0,298371 sebelum langkah pertama dan
# 0,291028 sesudahnya.
# %% [markdown] en
# ## 7. All of it together: the 2-2-2 example
#
# The six functions are enough to learn. This is the well-known example: inputs 0.05 and 0.10,
# targets 0.01 and 0.99, $\eta$ = 0.5; biases stay. Its error is 0.298371 before the first step and
# 0.291028 behind it.
# %%
x, t, eta = [0.05, 0.10], [0.01, 0.99], 0.5
W, b = [[0.15, 0.25], [0.20, 0.30]], [0.35, 0.35]
V, c = [[0.40, 0.50], [0.45, 0.55]], [0.60, 0.60]
errors = []
for _ in range(1000):
    a = forward(x, W, b)
    y = forward(a, V, c)
    errors.append(loss(t, y))
    of_outputs = delta_output(t, y)
    of_hidden = delta_hidden(of_outputs, V, a)
    V = update(V, gradients(a, of_outputs)[0], eta)
    W = update(W, gradients(x, of_hidden)[0], eta)
print(f"{errors[0]:.6f} {errors[1]:.6f} ... {errors[-1]:.6f}")

# %% [markdown] id
# Bandingkan dengan jaringan yang sama di `mundur`: `python -m mundur.examples.worked_example`
# menghitungnya dengan kode native, dan galatnya sama hingga digit terakhir yang ditampilkan.
# %% [markdown] en
# Compare it with the same network in `mundur`: `python -m mundur.examples.worked_example` computes
# it in native code, and the errors are the same to the last digit shown.
