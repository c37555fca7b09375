// TimeDistributed: a layer on each time step alike, as on batch · steps samples.

#include "layers/layers.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class TimeDistributed final : public Layer<T> {
 public:
  explicit TimeDistributed(const TimeDistributedSpec& spec) : name_(spec.name) {
    if (spec.layer.size() != 1) throw std::invalid_argument("layer: expected one");
    layer_ = make_layer<T>(spec.layer.front().spec);
  }

  int places() const override { return 1 + layer_->places(); }
  void compute_in(Compute compute) override { layer_->compute_in(compute); }
  Shape build(const Shape& input, int index) override {
    if (input.size() < 2)
      throw std::invalid_argument("TimeDistributed needs samples of shape (steps, ...)");
    steps_ = input[0];
    has_rows_ = input.size() == 2;
    output_ = layer_->build({input.begin() + 1, input.end()}, index + 1);
    Shape output = output_;
    output.insert(output.begin(), steps_);
    return output;
  }

  std::vector<Parameter<T>> parameters() const override { return named(layer_->parameters()); }
  void bind(Parameter<T>* parameters) override { layer_->bind(parameters); }
  std::vector<State<T>> state() const override { return named(layer_->state()); }
  void bind_state(State<T>* state) override { layer_->bind_state(state); }
  void set_learning(const std::vector<bool>& flags, std::size_t at) override {
    layer_->set_learning(flags, at + 1);
  }
  void add_custom(std::vector<CustomFunction*>& all) const override { layer_->add_custom(all); }

  double work(const Shape&) const override {
    return layer_->work(output_) * static_cast<double>(steps_);
  }
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    return layer_->saved_bytes(checked_product(batch, steps_, "the workspace of one batch"),
                               training);
  }
  bool passes_through(bool training) const override { return layer_->passes_through(training); }
  Activation head() const override { return layer_->head(); }
  bool joins_below() const override { return layer_->joins_below(); }

  // y_t = layer(x_t)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    layer_->forward(inner(pass), inner(saved));
  }
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    layer_->backward(inner(pass), dx, dy, inner(saved), seam);
  }

 private:
  Pass<T> inner(const Pass<T>& pass) const {
    return {pass.worker, pass.kernels, pass.batch * steps_, pass.training,
            pass.seed,   pass.forward, pass.scratch,        pass.update};
  }
  /// Each step is a sample of its own, a row that is there or not; one with steps has no mask.
  Saved<T> inner(const Saved<T>& saved) const {
    std::uint8_t* const mask = has_rows_ && saved.mask_size == steps_ ? saved.mask : nullptr;
    return {saved.x, saved.y, saved.extra, mask, saved.keeps, 1};
  }

  template <class Item>
  std::vector<Item> named(std::vector<Item> items) const {
    for (Item& item : items) item.name = name_ + "/" + item.name;
    return items;
  }

  std::string name_;
  std::unique_ptr<Layer<T>> layer_;
  std::int64_t steps_ = 0;
  bool has_rows_ = false;
  Shape output_;  // of one step
};

}  // namespace

MUNDUR_LAYER(TimeDistributed);

}  // namespace mundur
