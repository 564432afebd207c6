// SPDX-License-Identifier: Apache-2.0
#pragma once
// The chain from wafer starts to delivered accelerators, simulated in weekly lots:
//
//   logic wafers -> dies ---+
//                           +-> packaging -> test -> system assembly -> shipping -> owner
//   HBM wafers  -> stacks --+
//
// Lines have a capacity over time and are shared by customers; makers of memory deliver only
// to customers that qualified them. Planners order dies and stacks ahead of the packaging
// plan (base-stock rule). The clock counts days since 1970.
#include <array>
#include <functional>
#include <map>
#include <vector>

#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/supply/expansion.hpp"
#include "waferwatt/supply/product.hpp"
#include "waferwatt/supply/shock.hpp"

namespace waferwatt::supply {

struct LogicLine {
  std::string node;
  Ramp<WaferRate> capacity;
  Ramp<double> ai_share;
};

/// Who gets the wafers of a packaging line when they do not suffice. Every policy starts from what the
/// customers can use: an order that lacks dies or stacks is not served.
enum class Allocation {
  agreement,  ///< each customer its share; what it leaves idle stays idle
  release,    ///< each customer its share; what it leaves goes to the others by their shares
  pro_rata,   ///< in proportion to the wafers that could be used, whatever the shares
  priority    ///< the customers of `priority` first, in that order; then pro rata
};

struct PackagingLine {
  std::string family;
  Ramp<WaferRate> capacity;
  std::map<std::string, Ramp<double>> customer_shares;
  Allocation allocation = Allocation::agreement;
  std::vector<std::string> priority;
};

struct MemoryLine {
  std::string maker;
  Ramp<WaferRate> capacity;
  /// Date from which a memory may go to a customer; absent: never.
  std::map<std::pair<std::string, std::string>, Date> qualified;
};

struct MemoryPart {
  std::string memory;
  Ramp<double> stacks_per_wafer;  ///< good stacks
  Time cycle_time;
};

/// Parts in store at the start that only one customer can use.
struct Stock {
  std::string company;
  std::string memory;       ///< of stacks; empty: none
  double stacks = 0;
  std::string accelerator;  ///< of dies; empty: none
  double dies = 0;
};

struct ChainSpec {
  Date start, end;
  std::vector<Product> products;
  std::vector<LogicLine> logic;
  std::vector<PackagingLine> packaging;
  std::vector<MemoryLine> memory_makers;
  std::vector<MemoryPart> memories;
  std::vector<Stock> stocks;
  Time assembly_time;  ///< tested package to system
  Time shipping_time;
  Time cover;          ///< how far planners buy ahead of the cycle time
  std::vector<Shock> shocks;
  std::vector<Expansion> expansions;
};

/// Chain lines and parts from the catalog, as they were known at a date.
/// \param capacity_scale multiplies every packaging (first), memory (second) and logic (third) capacity
ChainSpec make_chain_spec(const catalog::Catalog& catalog, Date known_at, std::vector<Product> products,
                          const std::array<double, 3>& capacity_scale = {1, 1, 1});

/// What a package start waits for.
enum class Limit { packaging, memory, logic, orders };
inline constexpr std::size_t kLimits = 4;
std::string_view limit_name(Limit limit);

/// One product in one week.
struct WeekEntry {
  std::size_t product = 0;
  Date week;
  double slots = 0;    ///< packages its share of the packaging line could take
  double started = 0;  ///< packages started
  double waiting = 0;  ///< ordered packages that could not start; infinite orders give 0
  Limit limit = Limit::packaging;
};

/// Where the parts of one product are; every balance is exact (see balance_error).
struct ProductAccount {
  double wafers_started = 0, wafers_in_fab = 0, wafers_finished = 0, wafers_scrapped = 0;
  double dies_finished = 0, dies_given = 0, dies_bank = 0, dies_used = 0;  ///< good dies
  double stacks_used = 0;
  double packages_started = 0, packages_in_assembly = 0, packages_scrapped = 0, packages_in_test = 0;
  double packages_in_delivery = 0, packages_held = 0, packages_delivered = 0;  ///< held: finished and banned

  /// Largest difference of what went in and what is somewhere.
  double balance_error() const;
};

/// Stacks of one memory from one maker (or a customer's own stock).
struct MemoryPool {
  std::size_t maker = 0;
  std::string memory;
  std::string only_for;  ///< customer that owns the stock; empty: whoever qualified the maker
  double started = 0, in_fab = 0, finished = 0, scrapped = 0, given = 0, store = 0, used = 0;
  double wafers_started = 0;

  double balance_error() const;
};

class Chain {
 public:
  /// Accelerators of a product that are ordered and not yet delivered; may be infinite.
  using OpenOrders = std::function<double(std::size_t product, Date date)>;
  using Delivery = std::function<void(std::size_t product, double n_accelerators, Date date)>;

  Chain(ChainSpec spec, OpenOrders open_orders, Delivery delivery);

  /// Schedules the first week.
  void begin(engine::EventLoop& loop);
  /// True if the event was one of the chain's.
  bool handle(const engine::Event& event, engine::EventLoop& loop);

  const ChainSpec& spec() const { return spec_; }
  const std::vector<WeekEntry>& weeks() const { return weeks_; }
  const std::vector<ProductAccount>& accounts() const { return accounts_; }
  const std::vector<MemoryPool>& pools() const { return pools_; }
  /// Accelerators past packaging start and not yet delivered, less the expected scrap.
  double in_pipeline(std::size_t product) const;
  const std::vector<Project>& projects() const { return projects_; }

 private:
  enum Kind : std::uint32_t { week = 1, wafers_done, stacks_done, assembled, tested, delivered, shock, ban_end };
  /// An amount on its way to an event; scrap finds it here.
  struct Lot {
    Kind kind = Kind::week;  ///< week: free
    std::size_t target = 0;
    double amount = 0;
  };
  /// A product's wishes and means in one week.
  struct Request;

  void plan_week(Date date, engine::EventLoop& loop);
  std::vector<Request> requests(Date date) const;
  void share_packaging(Date date, std::vector<Request>& requests) const;
  void share_memory(Date date, std::vector<Request>& requests) const;
  void start_packages(Date date, const std::vector<Request>& requests, engine::EventLoop& loop);
  void start_logic(Date date, engine::EventLoop& loop);
  void start_memory(Date date, engine::EventLoop& loop);
  void order_stacks(const MemoryPart& part, Date date, std::vector<double>& stacks) const;
  void take_stacks(std::size_t product, double stacks, Date date);

  double mix_share(std::size_t product, Date date) const;
  double planned_packages(std::size_t product, Date date) const;  ///< of one week
  double planned_packages(std::size_t product, Date from, Time span) const;
  bool may_use(const MemoryPool& pool, const Product& product, Date date) const;
  double stacks_available(std::size_t product, Date date) const;
  void send(engine::EventLoop& loop, Kind kind, std::size_t target, double amount, Time delay);
  void arrive(const Lot& lot, Date date, engine::EventLoop& loop);
  void finish_delivery(std::size_t product, double amount, Date date);
  void suffer(const Shock& shock, engine::EventLoop& loop);
  void scrap(const Shock& shock);
  bool is_banned(std::size_t product, Date date) const;
  double unmet_wafers(const Request& request) const;
  double hand_out(double wafers, const std::vector<Request*>& to) const;
  void release_idle(const PackagingLine& line, Date date, double idle, std::map<std::string, std::vector<Request*>>& customers) const;
  void share_line(const PackagingLine& line, Date date, std::vector<Request*>& members) const;
  void review_expansions(Date date);
  void build(const Expansion& expansion, Date date);
  double binding_share(const std::string& line, Date since) const;

  ChainSpec spec_;
  OpenOrders open_orders_;
  Delivery delivery_;
  std::vector<ProductAccount> accounts_;
  std::vector<MemoryPool> pools_;
  std::vector<WeekEntry> weeks_;
  std::vector<Lot> lots_;
  std::vector<std::size_t> free_lots_;
  std::vector<Project> projects_;
};

}  // namespace waferwatt::supply
