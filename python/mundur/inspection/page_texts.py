"""What pages and sheets say, in English and in Indonesian."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["LANGUAGES", "TEXTS", "says"]

LANGUAGES = ("en", "id")

# name, English, Indonesian
_TABLE = (
    ("title", "Backpropagation, step by step", "Propagasi mundur, langkah demi langkah"),
    ("language", "Language", "Bahasa"),
    ("digits", "Digits", "Angka penting"),
    ("sample", "Sample", "Sampel"),
    ("network", "The network", "Jaringan"),
    ("steps", "Steps", "Langkah"),
    ("first", "To the start", "Ke awal"),
    ("back", "One step back", "Satu langkah mundur"),
    ("next", "One step on", "Satu langkah maju"),
    ("last", "To the end", "Ke akhir"),
    ("forward", "Forward", "Propagasi maju"),
    ("loss", "Loss", "Fungsi loss"),
    ("backward", "Backward", "Propagasi mundur"),
    ("update", "Update", "Pembaruan bobot"),
    ("check", "Check", "Pemeriksaan"),
    ("step_start", "What you see here", "Apa yang Anda lihat di sini"),
    ("step_z", "Forward: weighted sums z of {0}", "Propagasi maju: jumlah berbobot z dari {0}"),
    ("step_a", "Forward: activations a of {0}", "Propagasi maju: aktivasi a dari {0}"),
    ("step_out", "Forward: {0}", "Propagasi maju: {0}"),
    ("step_loss", "Loss: how far from the targets", "Fungsi loss: seberapa jauh dari target"),
    ("step_delta", "Backward: errors δ of {0}", "Propagasi mundur: galat δ dari {0}"),
    (
        "step_gradient",
        "Backward: gradients of the weights of {0}",
        "Propagasi mundur: gradien bobot {0}",
    ),
    ("step_update", "Update: new weights of {0}", "Pembaruan: bobot baru {0}"),
    ("step_check", "Check: central differences", "Pemeriksaan: beda hingga pusat"),
    (
        "start_text",
        "Every number on this page was computed by this network, for this sample. Go through the "
        "steps; at any of them, choose a neuron or a weight to see how the chain rule reaches it.",
        "Setiap angka di halaman ini dihitung oleh jaringan ini, untuk sampel ini. Ikuti "
        "langkah-langkahnya; kapan saja, pilih satu neuron atau satu bobot untuk melihat bagaimana "
        "aturan rantai sampai ke sana.",
    ),
    (
        "about_forward",
        "the inputs go through the layers: z = Σ x·w + b, a = f(z).",
        "masukan melewati lapisan demi lapisan: z = Σ x·w + b, a = f(z).",
    ),
    (
        "about_loss",
        "The loss ({0}) says in one number how far the outputs are from the targets.",
        "Fungsi loss ({0}) menyatakan dengan satu angka seberapa jauh keluaran dari target.",
    ),
    (
        "about_backward",
        "the error δ = ∂L/∂z goes back by the chain rule and gives every weight its gradient.",
        "galat δ = ∂L/∂z merambat ke belakang dengan aturan rantai dan memberi setiap bobot "
        "gradiennya.",
    ),
    (
        "about_update",
        "Each weight goes a step against its gradient; η is the learning rate.",
        "Setiap bobot bergeser melawan arah gradiennya; η adalah laju pembelajaran.",
    ),
    (
        "keys",
        "Keys: ← and → for a step, Home and End for the first and the last, Tab and Enter to "
        "choose, Esc to let go.",
        "Tombol: ← dan → untuk melangkah, Home dan End untuk awal dan akhir, Tab dan Enter untuk "
        "memilih, Esc untuk melepas pilihan.",
    ),
    (
        "about_z",
        "Each neuron adds up its inputs, each times its weight, and its bias.",
        "Setiap neuron menjumlahkan masukannya, masing-masing dikalikan bobotnya, lalu ditambah "
        "bias.",
    ),
    (
        "linear",
        "This layer has no activation function: a = z.",
        "Lapisan ini tanpa fungsi aktivasi: a = z.",
    ),
    (
        "about_a",
        "The activation function f, here {0}, bends each sum; its slope f′ will be needed on the "
        "way back.",
        "Fungsi aktivasi f, di sini {0}, membengkokkan setiap jumlah; kemiringannya f′ diperlukan "
        "dalam perjalanan mundur.",
    ),
    (
        "about_rowwise",
        "{0} looks at all neurons of the layer at once.",
        "{0} melihat semua neuron di lapisan ini sekaligus.",
    ),
    (
        "own_activation",
        "An activation of your own: its formula is not known here, its values are.",
        "Fungsi aktivasi buatan sendiri: rumusnya tidak dikenal di sini, tetapi nilainya ada.",
    ),
    (
        "python_layer",
        "A layer of your own in Python ({0}): its formula is not known here. Shown are the values "
        "that it made, and what came back through it.",
        "Lapisan buatan sendiri dalam Python ({0}): rumusnya tidak dikenal di sini. Yang "
        "ditampilkan adalah nilai yang dibuatnya dan yang kembali melaluinya.",
    ),
    (
        "masks",
        "This layer hides time steps: padding takes no part in what follows.",
        "Lapisan ini menyembunyikan langkah waktu: isian (padding) tidak ikut serta sesudahnya.",
    ),
    ("shapes", "Shape of one sample: {0} → {1}.", "Bentuk satu sampel: {0} → {1}."),
    ("kind", "A layer of the kind {0}.", "Lapisan jenis {0}."),
    (
        "kind_Flatten",
        "Flatten: the same numbers in one row.",
        "Flatten: angka yang sama dalam satu baris.",
    ),
    (
        "kind_Reshape",
        "Reshape: the same numbers in another shape.",
        "Reshape: angka yang sama dalam bentuk lain.",
    ),
    (
        "kind_Dropout",
        "Dropout: outside of training it lets everything through, a = x.",
        "Dropout: di luar pelatihan semuanya diteruskan, a = x.",
    ),
    (
        "kind_Embedding",
        "Embedding: each id fetches its row of the table.",
        "Embedding: setiap id mengambil barisnya dari tabel.",
    ),
    (
        "kind_LSTM",
        "LSTM: gates i, f, o and the cell c go through the sequence step by step: "
        "c ← f·c + i·c̃, h = o·tanh(c).",
        "LSTM: gerbang i, f, o dan sel c berjalan menelusuri barisan: c ← f·c + i·c̃, "
        "h = o·tanh(c).",
    ),
    (
        "kind_GRU",
        "GRU: gates z and r go through the sequence step by step: h ← z·h + (1 − z)·h̃.",
        "GRU: gerbang z dan r berjalan menelusuri barisan: h ← z·h + (1 − z)·h̃.",
    ),
    (
        "kind_SimpleRNN",
        "Simple recurrent layer: h ← f(x·W + h·U + b), step by step.",
        "Lapisan rekuren sederhana: h ← f(x·W + h·U + b), langkah demi langkah.",
    ),
    (
        "kind_Bidirectional",
        "Bidirectional: two recurrent layers go through the sequence, one from each end; their "
        "outputs are joined.",
        "Bidirectional: dua lapisan rekuren menelusuri barisan, satu dari tiap ujung; keluarannya "
        "digabungkan.",
    ),
    (
        "kind_Conv1D",
        "Convolution: the same small kernel slides along the sequence.",
        "Konvolusi: kernel kecil yang sama bergeser sepanjang barisan.",
    ),
    (
        "kind_Conv2D",
        "Convolution: the same small kernel slides over the image.",
        "Konvolusi: kernel kecil yang sama bergeser di atas citra.",
    ),
    (
        "kind_MaxPooling1D",
        "Max-pooling: of each window the largest value.",
        "Max-pooling: dari setiap jendela nilai terbesar.",
    ),
    (
        "kind_MaxPooling2D",
        "Max-pooling: of each window the largest value.",
        "Max-pooling: dari setiap jendela nilai terbesar.",
    ),
    (
        "kind_BatchNormalization",
        "Batch normalization: with the moving mean and variance, as outside of training.",
        "Normalisasi batch: dengan rata-rata dan varians bergerak, seperti di luar pelatihan.",
    ),
    (
        "kind_Dense",
        "A dense layer, applied to each step of the sequence.",
        "Lapisan dense, diterapkan pada setiap langkah barisan.",
    ),
    ("targets", "Targets", "Target"),
    ("as_row", "As the formula takes it:", "Seperti dipakai dalam rumus:"),
    (
        "mean_over",
        "The mean over all {0} samples; so are all gradients.",
        "Rata-rata atas semua {0} sampel; begitu pula semua gradien.",
    ),
    (
        "penalty",
        "Regularizers add a penalty R to the loss.",
        "Regularisasi menambahkan penalti R pada loss.",
    ),
    (
        "about_da",
        "How much the loss changes with each output:",
        "Seberapa besar loss berubah menurut setiap keluaran:",
    ),
    (
        "about_delta_last",
        "Here the error starts: the slope of the loss, times the slope of the activation.",
        "Di sini galat bermula: kemiringan loss dikalikan kemiringan fungsi aktivasi.",
    ),
    (
        "about_delta",
        "What comes back to a neuron is the sum over all neurons that it feeds; its own slope "
        "makes its error δ of it.",
        "Yang kembali ke sebuah neuron adalah jumlah dari semua neuron yang diberinya masukan; "
        "kemiringannya sendiri mengubahnya menjadi galat δ.",
    ),
    (
        "delta_other",
        "What comes back to this layer's outputs, ∂L/∂a.",
        "Yang kembali ke keluaran lapisan ini, ∂L/∂a.",
    ),
    (
        "delta_sums",
        "The errors of this layer's sums, δ = ∂L/∂z.",
        "Galat jumlah berbobot lapisan ini, δ = ∂L/∂z.",
    ),
    (
        "costs",
        "The outputs of this layer are penalised too (activity regularizer); δ holds that part.",
        "Keluaran lapisan ini juga dikenai penalti (activity regularizer); bagian itu ada di "
        "dalam δ.",
    ),
    (
        "about_gradient",
        "The gradient of a weight is what went in through it, times the error at its other end.",
        "Gradien sebuah bobot adalah masukan yang melewatinya, dikalikan galat di ujung lainnya.",
    ),
    (
        "about_gradient_sum",
        "The gradient of a weight is what went in through it, times the error at its other end, "
        "added up over all {0} samples.",
        "Gradien sebuah bobot adalah masukan yang melewatinya, dikalikan galat di ujung lainnya, "
        "dijumlahkan atas semua {0} sampel.",
    ),
    (
        "gradient_other",
        "The gradients of this layer's parameters: all of them as norm and histogram, one by one "
        "where you choose a weight.",
        "Gradien parameter lapisan ini: semuanya sebagai norma dan histogram, satu per satu jika "
        "Anda memilih sebuah bobot.",
    ),
    (
        "about_gradient_convolution",
        "The kernel lies on many places, so the gradient of one of its weights adds up over all of "
        "them, and all samples: what went in through it there, times the error δ that it led to.",
        "Kernel dipakai di banyak tempat, jadi gradien sebuah bobotnya dijumlahkan atas semua "
        "tempat dan semua sampel: masukan yang melewatinya di sana, dikalikan galat δ yang dituju.",
    ),
    (
        "about_gradient_recurrent",
        "Every time step uses the same weights, so the gradient of one adds up over all steps and "
        "all samples: what went in through it, times the error δ of its gate.",
        "Setiap langkah waktu memakai bobot yang sama, jadi gradien sebuah bobot dijumlahkan atas "
        "semua langkah dan semua sampel: masukan yang melewatinya, dikalikan galat δ gerbangnya.",
    ),
    (
        "about_gradient_embedding",
        "A row of the table gets the sum of what comes back to all places that hold its id; rows "
        "of ids that do not occur have the gradient 0.",
        "Baris tabel mendapat jumlah dari yang kembali ke semua tempat yang memuat id-nya; baris "
        "id yang tidak muncul gradiennya 0.",
    ),
    (
        "about_gradient_normalization",
        "γ gets the sum of the normalized inputs times what comes back to the outputs, β the sum "
        "of what comes back.",
        "γ mendapat jumlah masukan yang sudah dinormalkan dikalikan yang kembali ke keluaran, β "
        "mendapat jumlah dari yang kembali.",
    ),
    (
        "terms_about_p",
        "p is a place: a sample, and a step or pixel in it.",
        "p adalah tempat: sebuah sampel, dan sebuah langkah atau piksel di dalamnya.",
    ),
    (
        "terms_about_k",
        "p is a place: a sample, and a step or pixel in it; p + k is where this weight of the "
        "kernel lies then.",
        "p adalah tempat: sebuah sampel, dan sebuah langkah atau piksel di dalamnya; p + k adalah "
        "tempat bobot kernel ini ketika itu.",
    ),
    (
        "terms_about_t",
        "t is a time step; the sum goes over all samples, too.",
        "t adalah langkah waktu; penjumlahannya juga atas semua sampel.",
    ),
    ("terms_all", "Terms that are not 0: {0}.", "Suku yang bukan 0: {0}."),
    (
        "terms_some",
        "Of {1} terms that are not 0, the {0} that count most; the others come to {2} together, "
        "the number behind them.",
        "Dari {1} suku yang bukan 0, ditulis {0} yang terbesar; yang lain berjumlah {2}, bilangan "
        "di belakangnya.",
    ),
    ("terms_places", "They lie at (sample; place): {0}.", "Letaknya di (sampel; tempat): {0}."),
    (
        "weight_pick",
        "Choose a weight here: its number, its gradient and what follows stand below.",
        "Pilih sebuah bobot di sini: nilainya, gradiennya, dan selanjutnya tertulis di bawah.",
    ),
    ("largest_of_all", "Largest gradients:", "Gradien terbesar:"),
    ("one_weight", "One weight of {0}: {1}", "Satu bobot {0}: {1}"),
    (
        "single_not_held",
        "{0} has {1} weights; this page holds {2} of them: those with the largest gradients and "
        "some of those checked. Any other one is in explanation.update.worked.",
        "{0} punya {1} bobot; halaman ini memuat {2} di antaranya: yang gradiennya terbesar dan "
        "sebagian yang diperiksa. Yang lain ada di explanation.update.worked.",
    ),
    ("axis_n", "axis {0}", "sumbu {0}"),
    ("axis_step", "place in the kernel", "posisi dalam kernel"),
    ("axis_row", "row of the kernel", "baris kernel"),
    ("axis_column", "column of the kernel", "kolom kernel"),
    ("axis_in", "input", "masukan"),
    ("axis_out", "output", "keluaran"),
    ("axis_multiple", "which of its outputs", "keluaran ke berapa"),
    ("axis_id", "id", "id"),
    ("axis_component", "component", "komponen"),
    ("axis_channel", "channel", "kanal"),
    ("axis_unit", "unit one step before", "unit selangkah sebelumnya"),
    ("axis_gate", "gate and unit", "gerbang dan unit"),
    ("axis_which", "b or b′", "b atau b′"),
    (
        "shared",
        "The layer is called more than once; its gradient is the sum over its calls.",
        "Lapisan ini dipakai lebih dari sekali; gradiennya adalah jumlah dari semua pemakaian.",
    ),
    (
        "frozen",
        "{0} is frozen: it has no gradient and stays as it is.",
        "{0} dibekukan: tidak punya gradien dan tidak berubah.",
    ),
    (
        "no_optimizer",
        "No optimizer was compiled, so there are no new weights here; the rule would be:",
        "Tidak ada optimizer yang dipasang dengan compile, jadi tidak ada bobot baru di sini; "
        "aturannya:",
    ),
    (
        "no_update",
        "The model could not be made again (see above), so there are no new weights here; the rule "
        "would be:",
        "Model tidak dapat dibuat ulang (lihat di atas), jadi tidak ada bobot baru di sini; "
        "aturannya:",
    ),
    (
        "own_rule",
        "The formula of this optimizer is not shown; the new weights are its own.",
        "Rumus optimizer ini tidak ditampilkan; bobot barunya dihitung oleh optimizer itu sendiri.",
    ),
    (
        "unshown",
        "The rule does not give the new weights of {0}; they are shown without numbers put in.",
        "Rumus itu tidak menghasilkan bobot baru {0}; bobotnya ditampilkan tanpa angka di dalam "
        "rumus.",
    ),
    (
        "waits",
        "Gradients are added up in S: {0} batches more, then the weights move.",
        "Gradien dikumpulkan di S: {0} batch lagi, baru bobotnya bergeser.",
    ),
    (
        "spared",
        "{0} is left out of the weight decay: λ = 0.",
        "{0} tidak dikenai peluruhan bobot: λ = 0.",
    ),
    (
        "norm_of_all",
        "N is the norm of the gradients of all parameters together.",
        "N adalah norma gradien semua parameter sekaligus.",
    ),
    (
        "brackets",
        "[...] is 1 where what it holds is true, else 0.",
        "[...] bernilai 1 jika isinya benar, selain itu 0.",
    ),
    ("once_for_all", "The same for all parameters:", "Sama untuk semua parameter:"),
    ("once_for", "The same for all of {0}:", "Sama untuk seluruh {0}:"),
    ("new_weights", "New weights", "Bobot baru"),
    (
        "loss_after",
        "The same samples after the update:",
        "Sampel yang sama setelah pembaruan:",
    ),
    (
        "about_check",
        "Backpropagation can be checked without the chain rule: move one weight a little, up and "
        "down, and see how the loss changes (in float64).",
        "Propagasi mundur dapat diperiksa tanpa aturan rantai: geser satu bobot sedikit ke atas "
        "dan ke bawah, lalu lihat perubahan loss (dalam float64).",
    ),
    (
        "check_all",
        "All {0} weights and biases were checked.",
        "Semua {0} bobot dan bias telah diperiksa.",
    ),
    (
        "check_some",
        "{0} of {1} weights and biases were checked: those with the largest gradients, and some "
        "drawn at random.",
        "{0} dari {1} bobot dan bias diperiksa: yang gradiennya terbesar dan sebagian acak.",
    ),
    (
        "check_pick",
        "Choose a weight to see both numbers side by side.",
        "Pilih sebuah bobot untuk melihat kedua angka berdampingan.",
    ),
    (
        "no_check",
        "There are no central differences for this model.",
        "Tidak ada beda hingga pusat untuk model ini.",
    ),
    ("parameter", "Parameter", "Parameter"),
    ("checked", "Checked", "Diperiksa"),
    ("difference", "Largest difference, relative", "Selisih relatif terbesar"),
    ("kinks", "{0} at a kink", "{0} di titik patah"),
    ("trace", "Chain rule for one neuron or weight", "Aturan rantai untuk satu neuron atau bobot"),
    (
        "trace_hint",
        "Choose a neuron (a circle) or a weight (a line) in the drawing, in a formula, or here.",
        "Pilih sebuah neuron (lingkaran) atau bobot (garis) pada gambar, pada rumus, atau di sini.",
    ),
    (
        "no_trace",
        "This model has no layer whose neurons stand by themselves; it is shown by layer.",
        "Model ini tidak punya lapisan dengan neuron tersendiri; ditampilkan per lapisan.",
    ),
    ("layer", "Layer", "Lapisan"),
    ("neuron", "Neuron", "Neuron"),
    ("weight_from", "Weight from", "Bobot dari"),
    ("whole_neuron", "whole neuron", "seluruh neuron"),
    ("clear", "Let go", "Lepas"),
    ("no", "no.", "no."),
    ("neuron_of", "Neuron {0} of {1}", "Neuron {0} dari {1}"),
    ("weight_of", "Weight w{0} of {1}", "Bobot w{0} dari {1}"),
    ("trace_it", "Trace: {0}", "Telusuri: {0}"),
    ("choose_neuron", "Neurons that count most:", "Neuron yang paling berpengaruh:"),
    ("largest_terms", "The largest terms of the sum:", "Suku terbesar dari jumlah itu:"),
    (
        "largest_gradients",
        "Weights of neuron {0} with the largest gradients:",
        "Bobot neuron {0} dengan gradien terbesar:",
    ),
    (
        "not_held",
        "The weights of neuron {0} are not in this page; choose one of those listed.",
        "Bobot neuron {0} tidak disimpan di halaman ini; pilih salah satu yang terdaftar.",
    ),
    ("what_comes_back", "What comes back", "Yang kembali"),
    ("from_loss", "straight from the loss", "langsung dari fungsi loss"),
    ("from_layer", "from the errors of {0}", "dari galat {0}"),
    ("from_layers", "through {0}", "melalui {0}"),
    ("bias", "Bias", "Bias"),
    (
        "weight_goes",
        "It leads from input {0} of the layer to its neuron {1}. The chain rule cuts its gradient "
        "into factors:",
        "Bobot ini menghubungkan masukan ke-{0} lapisan dengan neuron {1}. Aturan rantai memecah "
        "gradiennya menjadi faktor-faktor:",
    ),
    (
        "factor_loss",
        "How the loss depends on the neuron's output",
        "Bagaimana loss bergantung pada keluaran neuron",
    ),
    (
        "factor_slope",
        "How the output depends on the sum",
        "Bagaimana keluaran bergantung pada jumlah z",
    ),
    (
        "factor_rowwise",
        "Through the activation of the whole layer",
        "Melalui aktivasi seluruh lapisan",
    ),
    (
        "factor_input",
        "How the sum depends on the weight",
        "Bagaimana jumlah z bergantung pada bobot",
    ),
    ("together", "Together", "Digabungkan"),
    (
        "this_sample",
        "Above stand the factors of sample {0}; the gradient adds up all samples.",
        "Di atas adalah faktor-faktor sampel {0}; gradien menjumlahkan semua sampel.",
    ),
    ("central", "Central difference", "Beda hingga pusat"),
    ("differs", "differs by {0} of the gradient", "berbeda {0} bagian dari gradien"),
    ("kink", "the loss has a corner here", "loss punya titik patah di sini"),
    (
        "not_checked",
        "This one is not among those checked by central differences.",
        "Yang ini tidak termasuk yang diperiksa dengan beda hingga pusat.",
    ),
    ("positive", "positive weight", "bobot positif"),
    ("negative", "negative weight", "bobot negatif"),
    ("thickness", "thicker: larger in size", "makin tebal: makin besar nilainya"),
    ("histogram_of", "Histogram of {0}", "Histogram {0}"),
    ("values_norm", "{0} values, norm {1}", "{0} nilai, norma {1}"),
    (
        "note_one_of_many",
        "The batch has {0} samples; shown is sample {1}. Gradients are those of the whole batch.",
        "Batch ini berisi {0} sampel; yang ditampilkan sampel {1}. Gradien adalah milik seluruh "
        "batch.",
    ),
    (
        "note_some_neurons",
        "The network is too large for one page: layers are shown by norms and histograms, and of "
        "the largest kernels the weights of up to {0} neurons, those with the largest errors δ.",
        "Jaringan ini terlalu besar untuk satu halaman: lapisan ditampilkan dengan norma dan "
        "histogram, dan dari kernel terbesar hanya bobot paling banyak {0} neuron, yaitu yang "
        "galat δ-nya terbesar.",
    ),
    (
        "note_python_layers",
        "Some layers are written in Python: their values are shown, not their formulas.",
        "Sebagian lapisan ditulis dalam Python: nilainya ditampilkan, rumusnya tidak.",
    ),
    (
        "note_masked",
        "Sequences are masked: hidden time steps take no part in loss and gradients.",
        "Barisan memakai mask: langkah waktu yang disembunyikan tidak ikut dalam loss dan gradien.",
    ),
    (
        "note_rounded",
        "Products are computed in {0}: sums by hand differ in the last digits.",
        "Perkalian dihitung dalam {0}: hasil hitungan tangan berbeda pada angka terakhir.",
    ),
    (
        "note_not_again",
        "The model could not be made again for central differences: {0}",
        "Model tidak dapat dibuat ulang untuk beda hingga pusat: {0}",
    ),
    # ---- recurrent layers ----
    (
        "gates_about",
        "Gates and states of one unit, step by step: choose the unit and the time step; touch a "
        "number to see the sum behind it.",
        "Gerbang dan keadaan satu unit, langkah demi langkah: pilih unit dan langkah waktunya; "
        "sentuh sebuah angka untuk melihat jumlah di baliknya.",
    ),
    (
        "gates_back",
        "The errors of one unit go back through time, from the last step to the first: choose the "
        "unit and the time step; touch a number to see what it is made of.",
        "Galat satu unit merambat mundur melalui waktu, dari langkah terakhir ke yang pertama: "
        "pilih unit dan langkah waktunya; sentuh sebuah angka untuk melihat asalnya.",
    ),
    ("time_step", "Time step", "Langkah waktu"),
    ("unit", "Unit", "Unit"),
    ("at_step", "Step {0}, unit {1}", "Langkah {0}, unit {1}"),
    ("gates_sum", "The sum behind {0}", "Jumlah di balik {0}"),
    (
        "gates_g",
        "g is the new content, which books also write c̃.",
        "g adalah isi baru, yang di buku juga ditulis c̃.",
    ),
    (
        "gates_n",
        "n is the new content, which books also write h̃.",
        "n adalah isi baru, yang di buku juga ditulis h̃.",
    ),
    (
        "gate_masked",
        "This step is masked: the states stay as they were.",
        "Langkah ini dikenai mask: keadaannya tetap.",
    ),
    ("direction", "Direction", "Arah"),
    (
        "way_ahead",
        "This layer goes from the first step to the last.",
        "Lapisan ini berjalan dari langkah pertama ke yang terakhir.",
    ),
    (
        "way_back",
        "This layer goes from the last step to the first; the columns stand in its own order.",
        "Lapisan ini berjalan dari langkah terakhir ke yang pertama; kolomnya mengikuti urutannya "
        "sendiri.",
    ),
    (
        "gates_within",
        "The recurrent layers stand within a layer of the kind {0}, so its outputs are shown as a "
        "whole: gates are shown step by step of recurrent layers by themselves and within a "
        "Bidirectional.",
        "Lapisan rekurennya berada di dalam lapisan jenis {0}, jadi keluarannya ditampilkan secara "
        "keseluruhan: gerbang ditampilkan langkah demi langkah untuk lapisan rekuren yang berdiri "
        "sendiri dan yang di dalam Bidirectional.",
    ),
    (
        "gates_large",
        "Gates are shown step by step for at most {0} steps, {1} units and {2} inputs; this layer "
        "has {3}, {4} and {5}, so its outputs are shown as a whole.",
        "Gerbang ditampilkan langkah demi langkah untuk paling banyak {0} langkah, {1} unit, dan "
        "{2} masukan; lapisan ini punya {3}, {4}, dan {5}, jadi keluarannya ditampilkan secara "
        "keseluruhan.",
    ),
    (
        "gates_unknown",
        "The gates by hand do not come to this layer's outputs (it may go on where another batch "
        "ended), so its outputs are shown as a whole.",
        "Gerbang yang dihitung dengan tangan tidak sama dengan keluaran lapisan ini (mungkin ia "
        "melanjutkan batch sebelumnya), jadi keluarannya ditampilkan secara keseluruhan.",
    ),
    (
        "gates_no_back",
        "Where these errors come from is not shown; they are the layer's own.",
        "Asal galat ini tidak ditampilkan; nilainya dari lapisan itu sendiri.",
    ),
    ("from_outputs", "from this step's output", "dari keluaran langkah ini"),
    ("from_time", "from the next step", "dari langkah berikutnya"),
    # ---- images ----
    (
        "maps_about",
        "Each channel is a map: blue is positive, orange negative, the same scale for all. Choose "
        "one to see it large.",
        "Setiap kanal adalah sebuah peta: biru positif, jingga negatif, dengan skala yang sama. "
        "Pilih satu untuk memperbesarnya.",
    ),
    ("maps_a", "Feature maps of {0}", "Peta fitur {0}"),
    ("maps_delta", "Maps of the errors δ of {0}", "Peta galat δ dari {0}"),
    ("maps_x", "The image", "Citra"),
    ("map_of", "Map {0} of {1}, {2}", "Peta {0} dari {1}, {2}"),
    (
        "map_hint",
        "Touch a pixel, or go there by the arrow keys, to read its number.",
        "Sentuh sebuah piksel, atau datangi dengan tombol panah, untuk membaca angkanya.",
    ),
    ("pixel", "row {0}, column {1}", "baris {0}, kolom {1}"),
    ("map_numbers", "All numbers", "Semua angka"),
    ("map_kernel", "Its kernel, for input {0}", "Kernelnya, untuk masukan {0}"),
    ("map_gradient", "∂L/∂kernel, for input {0}", "∂L/∂kernel, untuk masukan {0}"),
    (
        "map_kernels_more",
        "The kernel has {0} inputs; shown are the first {1}.",
        "Kernel ini punya {0} masukan; yang ditampilkan {1} yang pertama.",
    ),
    (
        "maps_some",
        "Shown are {0} of {1} maps, those with the largest values.",
        "Ditampilkan {0} dari {1} peta, yaitu yang nilainya terbesar.",
    ),
    (
        "maps_large",
        "The maps of {0} × {1} pixels are too large for a page: their norm and histogram stand "
        "below.",
        "Peta berukuran {0} × {1} piksel terlalu besar untuk satu halaman: norma dan histogramnya "
        "ada di bawah.",
    ),
    # ---- the sheet ----
    ("sheet_title", "Backpropagation by hand", "Propagasi mundur dengan tangan"),
    ("name", "Name", "Nama"),
    ("given", "Given", "Diketahui"),
    (
        "sheet_network",
        r"A network with the layers {0}. Compute with {1} significant digits.",
        r"Sebuah jaringan dengan lapisan {0}. Hitung dengan {1} angka penting.",
    ),
    ("inputs", "Inputs", "Masukan"),
    ("weights_of", "Weights and biases of {0}", "Bobot dan bias {0}"),
    ("exercises", "Exercises", "Soal"),
    ("solutions", "Solutions", "Penyelesaian"),
    (
        "ask_forward",
        "Compute all sums z and activations a (forward).",
        "Hitung semua jumlah berbobot z dan aktivasi a (propagasi maju).",
    ),
    (
        "ask_loss",
        r"Compute the loss L and its derivatives $\partial L / \partial a$ for the outputs.",
        r"Hitung loss L dan turunannya $\partial L / \partial a$ terhadap keluaran.",
    ),
    (
        "ask_backward",
        r"Compute the errors $\delta$ of all neurons (backward).",
        r"Hitung galat $\delta$ semua neuron (propagasi mundur).",
    ),
    (
        "ask_gradient",
        "Compute the gradients of all weights and biases.",
        "Hitung gradien semua bobot dan bias.",
    ),
    (
        "ask_update",
        r"Compute the new weights and biases ({0}, learning rate $\eta = {1}$).",
        r"Hitung bobot dan bias yang baru ({0}, laju pembelajaran $\eta = {1}$).",
    ),
    (
        "ask_after",
        "How large is the loss after the update?",
        "Berapa loss setelah pembaruan bobot?",
    ),
    (
        "sheet_large",
        "The layer is too large for a sheet: {0} neurons, {1} weights; here its norms.",
        "Lapisan ini terlalu besar untuk lembar soal: {0} neuron, {1} bobot; di sini normanya.",
    ),
    (
        "sheet_largest",
        "The weight of {0} with the largest gradient:",
        "Bobot {0} dengan gradien terbesar:",
    ),
    (
        "sheet_sample",
        "Of a batch of {1} samples, sample {0} is calculated. Loss and gradients are those of the "
        "whole batch: take them from the solutions.",
        "Dari batch berisi {1} sampel, yang dihitung adalah sampel {0}. Loss dan gradien adalah "
        "milik seluruh batch: ambillah dari penyelesaian.",
    ),
)
TEXTS: dict[str, dict[str, str]] = {name: {"en": en, "id": ind} for name, en, ind in _TABLE}


def says(formulas: Iterable[str]) -> list[str]:
    """Names of the texts that tell what signs in these formulas mean."""
    joined = "\n".join(formulas)
    signs = {"norm_of_all": "N = ", "brackets": "["}
    return [name for name, sign in signs.items() if sign in joined]
