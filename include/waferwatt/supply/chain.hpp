// SPDX-License-Identifier: Apache-2.0
#pragma once
// The chain from wafer starts to delivered accelerators, simulated in weekly lots:
//
//   logic wafers -> dies ---+
//   HBM wafers  -> stacks --+-> packaging -> test -> system assembly -> shipping -> owner
//   substrates -------------+      test cells -^        ^- boards, racks, switches, optics, host CPUs
//
// Lines have a capacity over time and are shared by customers; makers of memory deliver only
// to customers that qualified them. Planners order dies and stacks ahead of the packaging
// plan (base-stock rule). Every line is a resource on the engine's clock, which counts days
// since 1970; any EventLoop will do.
#include <array>
#include <functional>
#include <map>
#include <vector>

#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/supply/allocation_rule.hpp"
#include "waferwatt/supply/expansion.hpp"
#include "waferwatt/supply/part_line.hpp"
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
  priority,   ///< the customers of `priority` first, in that order; then pro rata
  prepayment, ///< in proportion to the money that customers paid ahead; then pro rata
  auction     ///< the highest bid first; equal bids pro rata
};

struct PackagingLine {
  std::string family;
  Ramp<WaferRate> capacity;
  std::map<std::string, Ramp<double>> customer_shares;
  Allocation allocation = Allocation::agreement;
  std::vector<std::string> priority;
  std::map<std::string, Money> prepaid;     ///< by customer
  std::map<std::string, WaferPrice> bids;   ///< by customer
  /// Tools of one process (CoWoS-S, -L, -R) become tools of another in this time; zero: at once.
  Time conversion_time;
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
  std::vector<PartLine> parts;
  std::vector<Stock> stocks;
  Time assembly_time;  ///< tested package to system
  Time shipping_time;
  Time cover;          ///< how far planners buy ahead of the cycle time
  std::vector<Shock> shocks;
  std::vector<Expansion> expansions;
  AllocationRule allocation_rule;  ///< of all packaging lines, in place of their policies; absent: those
};

/// Chain lines and parts from the catalog, as they were known at a date.
/// \param capacity_scale multiplies every packaging (first), memory (second) and logic (third) capacity
/// \param parts ids of further parts that may bind
ChainSpec make_chain_spec(const catalog::Catalog& catalog, Date known_at, std::vector<Product> products,
                          const std::array<double, 3>& capacity_scale = {1, 1, 1}, const std::vector<std::string>& parts = {});

/// What a package start waits for.
enum class Limit { packaging, memory, logic, orders, parts };
inline constexpr std::size_t kLimits = 5;
std::string_view limit_name(Limit limit);

/// One product in one week.
struct WeekEntry {
  std::size_t product = 0;
  Date week;
  double slots = 0;    ///< packages its share of the packaging line could take
  double started = 0;  ///< packages started
  double waiting = 0;  ///< ordered packages that could not start; infinite orders give 0
  Limit limit = Limit::packaging;
  std::size_t part = kNoPart;  ///< the part line, where the limit is parts
};

/// Finished packages that a test cell or a part of their system kept for a week.
struct PartWait {
  std::size_t product = 0, part = 0;
  Date week;
  double packages = 0;
};

/// What a week's wafers of an auctioned line cost: the highest bid that got less than it wanted; 0 if none.
struct AuctionEntry {
  std::string line;
  Date week;
  WaferPrice price;
};

/// What is in store where a week begins.
struct Inventory {
  Date date;
  std::vector<double> dies;    ///< good, by product
  std::vector<double> stacks;  ///< by pool
  std::vector<double> parts;   ///< by part line; steps keep nothing
};

/// Where the parts of one product are; every balance is exact (see balance_error).
struct ProductAccount {
  double wafers_started = 0, wafers_in_fab = 0, wafers_finished = 0, wafers_scrapped = 0;
  double dies_finished = 0, dies_given = 0, dies_bank = 0, dies_used = 0;  ///< good dies
  double stacks_used = 0;
  double packages_started = 0, packages_in_assembly = 0, packages_scrapped = 0, packages_in_test = 0;
  double packages_awaiting_test = 0, packages_awaiting_system = 0;  ///< for a free test cell; for parts of their system
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
  Chain(const Chain&) = delete;  // routes point into the spec
  Chain& operator=(const Chain&) = delete;

  /// Schedules the first week.
  void begin(engine::EventLoop& loop);
  /// True if the event was one of the chain's.
  bool handle(const engine::Event& event, engine::EventLoop& loop);

  const ChainSpec& spec() const { return spec_; }
  const std::vector<WeekEntry>& weeks() const { return weeks_; }
  const std::vector<ProductAccount>& accounts() const { return accounts_; }
  const std::vector<MemoryPool>& pools() const { return pools_; }
  const std::vector<PartAccount>& part_accounts() const { return part_accounts_; }
  const std::vector<PartWait>& part_waits() const { return part_waits_; }
  const std::vector<AuctionEntry>& auctions() const { return auctions_; }
  const std::vector<Inventory>& inventories() const { return inventories_; }
  /// Largest relative difference of what went in and what is somewhere, over all parts of the chain.
  double balance_error() const;
  /// Wafers per package in a line's own unit: dies, stacks or interposers of one package. 0: not needed.
  double logic_wafers_per_package(std::size_t product, Date date) const;
  double memory_wafers_per_package(std::size_t product, Date date) const;
  bool may_use(std::size_t pool, std::size_t product, Date date) const { return gates_[pool * spec_.products.size() + product] <= date; }
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
  void share_packaging(Date date, std::vector<Request>& requests);
  void share_memory(Date date, std::vector<Request>& requests) const;
  void start_packages(Date date, const std::vector<Request>& requests, engine::EventLoop& loop);
  void start_logic(Date date, engine::EventLoop& loop);
  void start_memory(Date date, engine::EventLoop& loop);
  void order_stacks(std::size_t memory, Date date, std::vector<double>& stacks) const;
  void take_stacks(std::size_t product, double stacks, Date date);

  /// What a product's names stand for.
  struct Route {
    std::size_t mix_group = 0;  ///< first product of the same vendor and family
    std::size_t packaging = 0;  ///< line; past the end: none
    std::size_t memory = 0;     ///< likewise
    const Ramp<double>* share = nullptr;  ///< of the vendor in the packaging line
  };
  void index_lines();
  Date gate(const MemoryPool& pool, const Product& product) const;

  /// Part of each product in what its vendor makes on the same line.
  std::vector<double> mix_shares(Date date) const;
  /// Packages of one week by product.
  std::vector<double> planned_packages(Date date) const;
  /// Over a span from this week on; kept until the week ends or the lines change.
  const std::vector<double>& planned_packages(Date from, Time span) const;
  double planned_without_line(std::size_t product, Date date, double mix_share) const;
  double stacks_available(std::size_t product, Date date) const;
  void send(engine::EventLoop& loop, Kind kind, std::size_t target, double amount, Time delay);
  void arrive(const Lot& lot, Date date, engine::EventLoop& loop);
  void finish_delivery(std::size_t product, double amount, Date date);
  void suffer(const Shock& shock, engine::EventLoop& loop);
  void scrap(const Shock& shock);
  bool is_banned(std::size_t product, Date date) const;
  double unmet_wafers(const Request& request) const;
  double hand_out(double wafers, const std::vector<Request*>& to) const;
  using Customers = std::map<std::string, std::vector<Request*>>;
  using Weight = std::function<double(const std::string& customer)>;
  double share_by_weight(double wafers, const Customers& customers, const Weight& weight) const;
  void share_line(const PackagingLine& line, Date date, double wafers, double claimable, std::vector<Request*>& members);
  void share_agreed(const PackagingLine& line, Date date, double claimable, const Customers& customers) const;
  void auction(const PackagingLine& line, Date date, double wafers, const Customers& customers);
  void share_by_rule(const PackagingLine& line, Date date, double wafers, const Customers& customers) const;

  std::map<std::string, double> planned_split(const PackagingLine& line, Date date) const;
  void plan_conversions(Date date);
  const std::map<std::string, double>& tools_of(std::size_t line, Date date) const;

  void make_parts(Date date);
  void pass_stage(catalog::Stage stage, Date date, engine::EventLoop& loop);
  void limit_by_parts(std::vector<Request>& requests) const;
  bool waits_at(catalog::Stage stage, std::size_t product) const;
  void leave_stage(catalog::Stage stage, std::size_t product, double packages, engine::EventLoop& loop);
  void take_stock(Date date);
  void review_expansions(Date date);
  void build(const Expansion& expansion, Date date);
  double binding_share(const std::string& line, Date since) const;

  ChainSpec spec_;
  std::vector<Route> routes_;  ///< by product
  std::vector<Date> gates_;    ///< by pool and product
  OpenOrders open_orders_;
  Delivery delivery_;
  std::vector<ProductAccount> accounts_;
  std::vector<MemoryPool> pools_;
  std::vector<WeekEntry> weeks_;
  std::vector<Lot> lots_;
  std::vector<std::size_t> free_lots_;
  std::vector<Project> projects_;
  std::vector<PartAccount> part_accounts_;
  std::vector<PartWait> part_waits_;
  std::vector<AuctionEntry> auctions_;
  std::vector<Inventory> inventories_;
  /// Share of a packaging line's tools by process from a date on, as decided a conversion time before.
  std::vector<std::vector<std::pair<Date, std::map<std::string, double>>>> tools_;
  mutable std::vector<std::pair<Time, std::vector<double>>> plans_;  ///< of this week, by span
  std::vector<Date> short_until_;  ///< by product: lots that its node could not start in full come in until then
};

}  // namespace waferwatt::supply
