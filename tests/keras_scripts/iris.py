"""Three kinds of iris, one-hot encoded, with a share of the training set to validate on."""

from keras.layers import Dense, Input
from keras.models import Sequential
from keras.optimizers import SGD
from keras.utils import set_random_seed, to_categorical
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

set_random_seed(1)

iris = load_iris()
X_train, X_test, y_train, y_test = train_test_split(
    iris.data, iris.target, test_size=0.3, random_state=1, stratify=iris.target
)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)
y_train = to_categorical(y_train, num_classes=3)
y_test = to_categorical(y_test, num_classes=3)

model = Sequential(
    [
        Input(shape=(4,)),
        Dense(10, activation="relu", name="hidden"),
        Dense(3, activation="softmax", name="species"),
    ]
)
model.compile(
    optimizer=SGD(learning_rate=0.05, momentum=0.9),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
model.summary()
history = model.fit(X_train, y_train, epochs=60, batch_size=8, validation_split=0.1, verbose=0)

loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
classes = model.predict(X_test, verbose=0).argmax(axis=1)

scores = {"accuracy": accuracy, "predictions": float((classes == y_test.argmax(axis=1)).mean())}
