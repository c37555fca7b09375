"""Where mundur deliberately differs from Keras 3, as data.

The tests of conformance take exactly these differences and no other; the documentation has a page
made of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Signature(NamedTuple):
    """A difference of signatures: patterns of the place and of the argument, which may be "".

    `kind` is "lacks" (not taken), "default" (another one), "keyword" (not by position), "order"
    (another position), "extra" (by position, unknown to Keras) or "attribute" (no method).
    """

    where: str
    argument: str
    kind: str
    reason: str


class Behaviour(NamedTuple):
    """A difference that no signature shows; a test of the name `id` shows both sides."""

    id: str
    where: str
    here: str
    keras: str
    reason: str


KINDS = {
    "lacks": "not taken",
    "default": "another default",
    "keyword": "by keyword only",
    "order": "another position",
    "extra": "an argument more",
    "attribute": "an attribute, not a method",
}

SIGNATURES = [
    *(
        Signature(
            f"optimizers.{name}",
            "epsilon",
            "default",
            "1e-8 where Keras has 1e-7: Kingma and Ba's and PyTorch's value, and the one that "
            "every table of results for Adam means.",
        )
        for name in ("Adam", "AdamW", "Adamax", "Nadam")
    ),
    *(
        Signature(
            "optimizers.*",
            argument,
            "keyword",
            "In Keras `loss_scale_factor`, which has one value here, stands before it.",
        )
        for argument in ("gradient_accumulation_steps", "name")
    ),
    Signature(
        "*ptimizer*.finalize_variable_values",
        "model",
        "extra",
        "As in `step(model)`: an optimizer is given the model whose parameters it changes.",
    ),
    Signature(
        "*ptimizer*.finalize_variable_values",
        "var_list",
        "lacks",
        "The model stands for its variables.",
    ),
    Signature(
        "metrics.*",
        "*",
        "keyword",
        "In Keras `dtype`, which changes nothing here, stands before it.",
    ),
    Signature(
        "callbacks.TensorBoard",
        "update_freq",
        "keyword",
        "In Keras other arguments, which have one value here, stand before it.",
    ),
    *(
        Signature(
            f"layers.{layer}",
            argument,
            "keyword",
            "In Keras other arguments, or other orders of them, stand before it.",
        )
        for layer, argument in (
            ("Discretization", "output_mode"),
            *((layer, "name") for layer in ("Discretization", "*Lookup", "TextVectorization")),
            *(
                ("IntegerLookup", argument)
                for argument in ("idf_weights", "invert", "output_mode", "pad_to_max_tokens")
            ),
        )
    ),
    *(
        Signature(
            "layers.StringLookup",
            argument,
            "default",
            "Tokens are text, and text has one hash here.",
        )
        for argument in ("vocabulary_dtype", "oov_method")
    ),
    Signature(
        "layers.CategoryEncoding.__call__",
        "count_weights",
        "extra",
        "What Keras's layers take by `*args`.",
    ),
    Signature(
        "metrics.*",
        "name",
        "default",
        "None means the same name; it lets a `repr` leave out what was not given.",
    ),
    Signature("Metric", "name", "keyword", "As in the metrics made from it."),
    Signature(
        "layers.*Dropout",
        "seed",
        "keyword",
        "In Keras `noise_shape`, which has one value here, stands before it.",
    ),
    *(
        Signature(
            f"layers.{layer}",
            argument,
            "keyword",
            "In Keras other arguments, or other orders of them, stand before it.",
        )
        for layer, argument in (
            *((layer, "seed") for layer in ("SimpleRNN", "LSTM", "GRU")),
            *((layer, "return_sequences") for layer in ("SimpleRNN", "LSTM", "GRU")),
            *((layer, "return_state") for layer in ("SimpleRNN", "LSTM", "GRU")),
            *((layer, "go_backwards") for layer in ("SimpleRNN", "LSTM", "GRU")),
            *((layer, "stateful") for layer in ("SimpleRNN", "LSTM", "GRU")),
            ("GRU", "reset_after"),
            ("Bidirectional", "backward_layer"),
        )
    ),
    *(
        Signature(f"layers.{layer}", "cell", "lacks", "The cell is the layer itself.")
        for layer in ("SimpleRNN", "LSTM", "GRU")
    ),
    *(
        Signature(
            f"layers.{layer}.compute_output_shape",
            argument,
            kind,
            "As in all layers: the input is a sequence, and there is no initial state.",
        )
        for layer in ("SimpleRNN", "LSTM", "GRU", "Bidirectional")
        for argument, kind in (
            ("sequences_shape", "lacks"),
            ("initial_state_shape", "lacks"),
            ("input_shape", "extra"),
        )
    ),
    Signature(
        "callbacks.ReduceLROnPlateau",
        "baseline",
        "lacks",
        "A plateau is one of the run itself.",
    ),
    *(
        Signature(
            where,
            argument,
            "lacks",
            "What Keras's classes for any number of dimensions tell their common base.",
        )
        for where, argument in (
            ("layers.*Conv?D*", "rank"),
            ("layers.*Pooling?D", "pool_dimensions"),
            ("layers.*Pooling?D", "pool_mode"),
        )
    ),
    *(
        Signature(
            where,
            "autocast",
            "lacks",
            "What a model computes in is an argument of the model; layers convert nothing.",
        )
        for where in ("Layer", "layers.*")
    ),
    *(
        Signature(
            where,
            "activity_regularizer",
            "lacks",
            "The base class takes what every layer here has.",
        )
        for where in ("Layer", "layers.Layer", "layers.InputLayer")
    ),
    *(
        Signature(
            f"optimizers.*.{where}",
            argument,
            kind,
            "The name that Keras's base class has for it.",
        )
        for where, theirs, ours in (
            ("build", "var_list", "variables"),
            ("update_step", "grad", "gradient"),
        )
        for argument, kind in ((theirs, "lacks"), (ours, "extra"))
    ),
    *(
        Signature(
            where,
            "learning_rate",
            "default",
            "0.01: a subclass that only writes `step`, for training by hand, need not know of it.",
        )
        for where in ("Optimizer", "optimizers.Optimizer")
    ),
    *(
        Signature(
            "Optimizer",
            argument,
            "keyword",
            "In Keras `loss_scale_factor`, which has one value here, stands before it.",
        )
        for argument in ("gradient_accumulation_steps", "name")
    ),
    Signature(
        "Metric.add_variable",
        "name",
        "keyword",
        "In Keras `dtype`, which changes nothing here, stands before it.",
    ),
    *(
        Signature(
            where,
            argument,
            kind,
            "`call` and `build` are for subclasses: a layer, or a model, is called as `layer(x)`, "
            "and built by its model.",
        )
        for where, argument, kind in (
            ("layers.*.call", "*", "lacks"),
            ("layers.*.call", "*", "extra"),
            ("layers.*.build", "*", "lacks"),
            ("layers.*.build", "*", "extra"),
            ("layers.*.build", "*", "default"),
            ("*Sequential.call", "*", "lacks"),
        )
    ),
    Signature("layers.Lambda", "gradient", "extra", "NumPy has no derivatives: f brings f′ along."),
    Signature("layers.Lambda", "arguments", "order", "`gradient` stands before it."),
    Signature("layers.Lambda", "checks_gradient", "extra", "f′ is held against f."),
    Signature("layers.Lambda.from_config", "safe_mode", "lacks", "Files hold no code."),
    Signature("Layer", "dtype", "lacks", "The model's dtype is that of all its layers."),
    Signature("layers.Layer", "dtype", "lacks", "The model's dtype is that of all its layers."),
    Signature("layers.InputLayer", "trainable", "lacks", "An input has nothing to train."),
    Signature(
        "layers.InputLayer",
        "batch_shape",
        "keyword",
        "In Keras others, which have one value here, stand before it.",
    ),
    Signature(
        "*Input*",
        "name",
        "keyword",
        "In Keras other arguments, which have one value here, stand before it.",
    ),
    *(
        Signature(
            f"layers.{layer}.__call__",
            "training",
            "extra",
            "As in all layers: of dropout for instance.",
        )
        for layer in ("Rescaling", "Resizing", "CenterCrop", "Random*")
    ),
    *(
        Signature(
            "models.clone_model",
            argument,
            "lacks",
            "The calls are those of the model, and models within it are cloned, too.",
        )
        for argument in ("call_function", "recursive")
    ),
    Signature(
        "*.from_config",
        "custom_objects",
        "lacks",
        "A configuration holds plain values; classes of one's own are known to who calls them.",
    ),
    *(
        Signature(f"{module}.get", "argument", "extra", "What an error calls the value.")
        for module in ("initializers", "regularizers", "constraints")
    ),
    Signature(
        "*Sequential.parameters",
        "",
        "attribute",
        "A mapping of names to live views; Keras on PyTorch inherits a method of this name.",
    ),
]

BEHAVIOURS = [
    Behaviour(
        "phases_of_call",
        "a Model subclass that writes call(inputs)",
        "fit trains: dropout drops, noise is added",
        "fit computes as predict does, unless call takes training, too",
        "That a dropout is silently none is never meant.",
    ),
    Behaviour(
        "losses_of_layers",
        "Layer.add_loss, keras.ops",
        "a loss is one of an output: what is to be small is another output, with a loss and a "
        "weight in compile; or a layer has an activity_regularizer",
        "any number that a layer or a model computes is added to the loss",
        "There is no tape. A variational autoencoder has the outputs decoded, μ and σ², whose "
        'losses are the reconstruction\'s, "mse" to 0 and "poisson" to 1: Σ ½μ² + ½(σ² - log σ²).',
    ),
    Behaviour(
        "mask_beside_states",
        "layers.LSTM()(x, initial_state=)",
        "the mask of x holds",
        "it is lost, unless the call says mask=",
        "A decoder that is given a state has padding as it had before.",
    ),
    Behaviour(
        "momentum",
        "optimizers.SGD",
        "v ← μ v + g, w ← w - η v",
        "v ← μ v - η g, w ← w + v",
        "PyTorch's form. The two agree while η is constant; with a schedule, here a smaller η "
        "acts at once.",
    ),
    Behaviour(
        "epsilon",
        "optimizers.Adam",
        "m̂ / (√v̂ + ε)",
        "m √(1 - β₂ᵗ) / (1 - β₁ᵗ) / (√v + ε)",
        "Algorithm 1 of Kingma and Ba. Keras's ε counts for more in the first steps.",
    ),
    Behaviour(
        "nesterov",
        "optimizers.Nadam",
        "μₜ = β₁ (1 - ½ 0.96^(0.004 t))",
        "μₜ = β₁ (1 - ½ 0.96^t)",
        "Dozat's schedule of the momentum, and PyTorch's. In Keras's the momentum is all there "
        "after a hundred steps, here after some twenty thousand.",
    ),
    Behaviour(
        "weights",
        "losses.*(sample_weight=)",
        "Σ wᵢ Lᵢ / Σ wᵢ",
        "Σ wᵢ Lᵢ / n",
        "A weighted mean is a mean: twice the weights is the same loss, and a weight of zero takes "
        "a sample out.",
    ),
    Behaviour(
        "weighted_sets",
        "losses.Dice, Tversky (sample_weight=)",
        "weights multiply a sample's terms in every sum",
        "the loss of the batch, times the mean weight",
        "A weight of zero takes a sample out, as in all losses.",
    ),
    Behaviour(
        "excluded_names",
        "optimizers.*.exclude_from_weight_decay(var_names=)",
        "patterns are looked for in the whole path, such as dense_1/bias",
        "in its last part, bias",
        "Older Keras had the layers' names in there, and scripts still count on them; a pattern "
        "that is found nowhere is warned of.",
    ),
    Behaviour(
        "sums_of_probabilities",
        "losses.*Categorical*Crossentropy",
        "probabilities of a sample whose sum is off 1 by more than 0.01 are an error",
        "they are divided by their sum",
        "What does not sum to 1 is no distribution: it is likelier logits, or sigmoids.",
    ),
    Behaviour(
        "adjusted_r2",
        "metrics.R2Score(num_regressors=)",
        "n in (n - 1) / (n - p - 1) is the number of samples",
        "the number of samples times the number of outputs",
        "The textbooks' formula; the two agree for one output.",
    ),
    Behaviour(
        "more_than_there_is",
        "Sequential.fit(steps_per_epoch=)",
        "an epoch of more steps than an array gives goes on with it from its start",
        "training ends, with a warning",
        "As many steps as asked for are taken.",
    ),
    Behaviour(
        "names_of_inputs",
        "Model(inputs, outputs).fit, predict",
        "a dict of arrays has the inputs' names, and no others",
        "more names are taken and left aside",
        "A column that nobody reads is likelier a name that was misspelt.",
    ),
    Behaviour(
        "layers_after_compile",
        "Sequential.add, pop",
        "an error once a model is built and compiled; Model(model.input, layer(model.output)) and "
        "models.clone_model make others",
        "the model is taken apart, and compiled anew",
        "The optimizer's state is of the old layers.",
    ),
    Behaviour(
        "backups_of_iterables",
        "callbacks.BackupAndRestore",
        "an error where batches come from an iterable",
        "training goes on with the iterable's beginning",
        "A training that goes on is, to the bit, the one that was broken off; what an iterable has "
        "given already nobody knows.",
    ),
    Behaviour(
        "losses_as_metrics",
        "Sequential.compile(metrics=[loss])",
        "the loss over the whole set",
        "the mean over batches, the last short one as heavy as the others",
        "As all metrics: the number does not depend on the batch size.",
    ),
    Behaviour(
        "named_penalty",
        'kernel_regularizer="l1l2"',
        "0.01 for both factors, as those of the names l1 and l2",
        "0 for both factors: no penalty",
        "Who names a penalty wants one.",
    ),
    Behaviour(
        "values",
        "losses.*",
        "a Python float; loss.gradient(y_true, y_pred) beside it",
        "a tensor of the backend",
        "There is no tape; the derivative is a method that one can read.",
    ),
    Behaviour(
        "broadcasting",
        "Sequential.fit",
        "y of shape (n,) equals (n, 1); nothing else broadcasts",
        "shapes that can broadcast do",
        "One target against three outputs gives a loss that looks plausible; it is rarely meant.",
    ),
    Behaviour(
        "head",
        "Sequential.compile",
        "a loss that does not suit the last layer is an error",
        "it trains",
        "Cross-entropy from probabilities behind a linear layer never learns what was meant.",
    ),
    Behaviour(
        "nonfinite",
        "Sequential.fit",
        "a loss that is not finite raises NonFiniteLossError, the model back at the epoch's start",
        "training goes on with NaN",
        "Nothing that follows can be right.",
    ),
    Behaviour(
        "mask_value",
        "layers.Masking",
        "mask_value must be finite",
        "NaN is taken",
        "NaN equals nothing: no step would be masked.",
    ),
    Behaviour(
        "flips",
        "layers.RandomFlip",
        "a draw for each direction",
        "one for both: upside down and mirrored, or neither",
        "What an image may become is what was asked for; `augment.Flip` does the same.",
    ),
    Behaviour(
        "crops",
        "layers.RandomCrop",
        "a place for each image; outside of training the middle, resized",
        "one place for all of a batch; outside of training, unlike what is documented, all of it",
        "Batches are as mixed as the set, and a model's layers see images of one size.",
    ),
    Behaviour(
        "contrasts",
        "layers.RandomContrast(factor)",
        "a number is lower and upper: [1 - factor, 1 + factor]",
        "it is the upper alone: [1, 1 + factor]",
        "As Keras documents it.",
    ),
    Behaviour(
        "seed",
        "Sequential(seed=)",
        "one seed, drawn and kept where none is given, fixes weights, masks and shuffles",
        "`keras.utils.set_random_seed` and a seed for each layer",
        "A run can be repeated from the model alone.",
    ),
    Behaviour(
        "shapes",
        "Sequential.output_shape, compute_output_shape, input_shape",
        "the shape of one sample",
        "with None for the batch in front",
        "The batch is no property of a model.",
    ),
    Behaviour(
        "arrays",
        "Sequential.get_weights, layer.kernel",
        "NumPy arrays; `layer.kernel` is a live view",
        "variables of the backend",
        "There is no other backend.",
    ),
    Behaviour(
        "inputs_among_layers",
        "Model(inputs, outputs).layers",
        "the layers alone; inputs are in model.inputs",
        "an InputLayer for each input, too",
        "An input has no weights, nothing to freeze and no output of its own making.",
    ),
    Behaviour(
        "stretching",
        "layers.Add, ...",
        "values that meet have one shape",
        "shapes that can broadcast do",
        "As with targets: what was meant is rarely that a value be repeated.",
    ),
    Behaviour(
        "files",
        "Sequential.save",
        "safetensors",
        ".keras, HDF5",
        "One format, without code in it, that other programs read.",
    ),
]

# Which numbers are not compared, and why: of "losses.X", "losses.X.gradient" (compared behind a
# softmax), "metrics.X", "optimizers.X" or "optimizers.X+argument", "initializers.X" (compared in
# mean and variance).
_NORMALISED = (
    "Keras divides the probabilities of a sample by their sum, which is 1 already; its derivative "
    "has a term more, which vanishes behind a softmax."
)
_TRUNCATED = (
    "A normal distribution, as Glorot and Bengio, He et al. and LeCun et al. write; Keras cuts it "
    "off at two standard deviations. The variance is the same."
)
NUMBERS = {
    "losses.CategoricalCrossentropy.gradient": _NORMALISED,
    "losses.CategoricalFocalCrossentropy.gradient": _NORMALISED,
    "losses.SparseCategoricalCrossentropy.gradient": _NORMALISED,
    "metrics.AUC": "Exact, over all samples, unless thresholds are given, or another number of "
    "them; Keras counts in 200 buckets of [0, 1].",
    "metrics.F1Score": "With a single output Keras's default calls every sample positive; here "
    "those above 0.5 are.",
    "metrics.FBetaScore": "With a single output Keras's default calls every sample positive; here "
    "those above 0.5 are.",
    "initializers.GlorotNormal": _TRUNCATED,
    "initializers.HeNormal": _TRUNCATED,
    "initializers.LecunNormal": _TRUNCATED,
    "optimizers.Nadam": "Its momentum rises along another schedule: see Behaviour.",
}
