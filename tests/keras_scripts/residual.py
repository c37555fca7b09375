"""A small ResNet of digits: blocks with skips, of one size and of half, and batch normalization."""

import keras
from keras import layers
from keras.regularizers import l2
from sklearn.datasets import load_digits

keras.utils.set_random_seed(43)

digits = load_digits()
x = digits.images[..., None].astype("float32") / 16
y = digits.target
x_train, y_train, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]
x_train_mean = x_train.mean(axis=0)
x_train -= x_train_mean
x_test -= x_train_mean


def resnet_layer(
    inputs, num_filters=8, kernel_size=3, strides=1, activation="relu", batch_normalization=True
):
    x = layers.Conv2D(
        num_filters,
        kernel_size=kernel_size,
        strides=strides,
        padding="same",
        kernel_initializer="he_normal",
        kernel_regularizer=l2(1e-4),
    )(inputs)
    if batch_normalization:
        x = layers.BatchNormalization()(x)
    if activation is not None:
        x = layers.Activation(activation)(x)
    return x


def resnet_v1(input_shape, num_res_blocks, num_classes=10):
    num_filters = 8
    inputs = keras.Input(shape=input_shape)
    x = resnet_layer(inputs=inputs)
    for stack in range(2):
        for res_block in range(num_res_blocks):
            strides = 1
            if stack > 0 and res_block == 0:  # first layer but not first stack
                strides = 2  # downsample
            y = resnet_layer(inputs=x, num_filters=num_filters, strides=strides)
            y = resnet_layer(inputs=y, num_filters=num_filters, activation=None)
            if stack > 0 and res_block == 0:
                # linear projection residual shortcut connection to match changed dims
                x = resnet_layer(
                    inputs=x,
                    num_filters=num_filters,
                    kernel_size=1,
                    strides=strides,
                    activation=None,
                    batch_normalization=False,
                )
            x = layers.add([x, y])
            x = layers.Activation("relu")(x)
        num_filters *= 2
    x = layers.AveragePooling2D(pool_size=4)(x)
    y = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, activation="softmax", kernel_initializer="he_normal")(y)
    return keras.Model(inputs=inputs, outputs=outputs)


def lr_schedule(epoch):
    lr = 4e-3
    if epoch > 5:
        lr *= 0.1
    return lr


model = resnet_v1(x_train.shape[1:], 1)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(learning_rate=lr_schedule(0)),
    metrics=["accuracy"],
)
model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=8,
    validation_data=(x_test, y_test),
    shuffle=True,
    callbacks=[keras.callbacks.LearningRateScheduler(lr_schedule)],
    verbose=0,
)
scores = {
    "accuracy": model.evaluate(x_test, y_test, verbose=0)[1],
    "layers": float(sum(isinstance(one, layers.Conv2D) for one in model.layers) == 6),
}
