// SPDX-License-Identifier: Apache-2.0
// Ten years of a chain with 30 products and 40 buyers in weekly lots: user time of one run, and events a second.
// Usage: bench_supply [runs, default 20]. Goals: below 1 s a run, and 1,000 runs below 5 minutes on two cores.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "waferwatt/core/random.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/supply/chain.hpp"
#include "waferwatt/supply/order_book.hpp"

namespace {

using namespace waferwatt;
using namespace waferwatt::supply;

constexpr std::size_t kProducts = 30, kBuyers = 40;
constexpr std::uint32_t kReview = 100;  // event kind; the chain's are lower

/// The shipped accelerators, each made under several vendors' shares until there are 30.
ChainSpec world_of_thirty(const catalog::Catalog& catalog) {
  const std::vector<std::pair<std::string, std::string>> kMade = {
      {"nvidia-h100-sxm", "nvidia"}, {"nvidia-h200-sxm", "nvidia"}, {"nvidia-h20", "nvidia"},  {"nvidia-b200", "nvidia"}, {"nvidia-gb200", "nvidia"},
      {"nvidia-b300", "nvidia"},     {"nvidia-gb300", "nvidia"},    {"nvidia-rubin", "nvidia"}, {"google-tpu-v5e", "google"}, {"google-tpu-v5p", "google"},
      {"google-tpu-v6e", "google"},  {"google-tpu-v7", "google"},   {"amd-mi300x", "amd"},      {"amd-mi325x", "amd"},    {"amd-mi355x", "amd"},
      {"amazon-trainium1", "amazon"}, {"amazon-trainium2", "amazon"}};
  std::vector<Product> products;
  for (std::size_t i = 0; products.size() < kProducts; ++i) {
    const auto& [id, vendor] = kMade[i % kMade.size()];
    products.push_back(make_product(catalog.accelerators.at(id), catalog, vendor, Ramp<double>::constant(1), 0.5));
  }
  auto spec = make_chain_spec(catalog, Date::from_civil(2026, 5, 31), std::move(products), {1, 1, 1}, catalog.parts.ids());
  spec.start = Date::from_civil(2024, 1, 1);
  spec.end = Date::from_civil(2034, 1, 1);
  return spec;
}

class Run : public engine::EventHandler {
 public:
  explicit Run(const ChainSpec& spec)
      : book_(demands(), {.lead_time = 30 * week, .double_ordering = 0.5}, kProducts),
        chain_(
            spec, [this](std::size_t product, Date) { return book_.open(product); }, [this](std::size_t product, double n, Date) { delivered_ += n - book_.deliver(product, n); }) {}

  double run() {
    engine::BareLoop loop;
    chain_.begin(loop);
    loop.at(chain_.spec().start.days(), kReview, 0, 0);
    loop.run(*this);
    return delivered_;
  }
  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    ++n_events_;
    const Date date = Date::from_days(event.time);
    if (date >= chain_.spec().end || chain_.handle(event, loop)) return;
    book_.review(date, week);
    loop.after(7, kReview, 0, 0);
  }
  double balance_error() const { return chain_.balance_error(); }
  std::size_t n_events() const { return n_events_; }

 private:
  static std::vector<Demand> demands() {
    RandomStream random(1, "bench needs");
    std::vector<Demand> result;
    for (std::size_t buyer = 0; buyer < kBuyers; ++buyer)
      for (std::size_t product = 0; product < kProducts; ++product)
        result.push_back({buyer, product, Ramp<AcceleratorRate>::constant(random.uniform(0, 2000) * accelerator / month), 0, 1, {}, {}});
    return result;
  }

  OrderBook book_;
  Chain chain_;
  double delivered_ = 0;
  std::size_t n_events_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int n = argc > 1 ? std::atoi(argv[1]) : 20;
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const auto spec = world_of_thirty(catalog);
  double best = 1e9, all = 0, delivered = 0, error = 0;
  std::size_t events = 0;
  for (int i = 0; i < n; ++i) {
    const std::clock_t start = std::clock();
    Run run(spec);
    delivered = run.run();
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = std::min(best, seconds);
    all += seconds;
    error = run.balance_error();
    events = run.n_events();
  }
  fmt::print("10 years, {} products, {} buyers: best {:.3f} s, mean {:.3f} s of user time; {} events, {:.0f} a second; {:.3g} accelerators, balance {:.1g}\n", kProducts, kBuyers, best,
             all / n, events, static_cast<double>(events) / best, delivered, error);
  fmt::print("goal 1 s a run: {:.1f} times faster; 1,000 runs on two cores: {:.0f} s of 300 s\n", 1 / best, 1000 * all / n / 2);
  return best < 1 && 1000 * all / n / 2 < 300 && error < 1e-9 ? 0 : 1;
}
