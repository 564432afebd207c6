// SPDX-License-Identifier: Apache-2.0
// Collectives on an idle cluster, as training and serving count them.
#include <fmt/format.h>

#include "arguments.hpp"
#include "waferwatt/network/collective.hpp"
#include "waferwatt/network/collectives.hpp"

namespace waferwatt::python {
namespace {

using network::Collective;

struct Cluster {
  catalog::Reference<catalog::Accelerator> accelerator;
  std::optional<catalog::Reference<catalog::System>> system;
  std::optional<catalog::Reference<catalog::Fabric>> fabric;
  std::int64_t n_accelerators = 1;

  static const io::Record<Cluster>& record() {
    static const auto record = io::Record<Cluster>("cluster", "Accelerators and what joins them.")
                                   .required("accelerator", &Cluster::accelerator, {.doc = "The accelerator."})
                                   .optional("system", &Cluster::system, {.doc = "Its server or rack."})
                                   .optional("fabric", &Cluster::fabric, {.doc = "The network between domains."})
                                   .optional("n_accelerators", &Cluster::n_accelerators, {.doc = "How many.", .at_least = 1});
    return record;
  }
};

/// Bytes through each link over the size, by the convention of NCCL's tests.
double bus_factor(Collective collective, double n) {
  switch (collective) {
    case Collective::all_reduce:
      return 2 * (n - 1) / n;
    case Collective::all_gather:
    case Collective::reduce_scatter:
    case Collective::all_to_all:
      return (n - 1) / n;
    default:
      return 1;
  }
}

Time time_of(const network::TwoLevelNetwork& network, Collective collective, network::Group group, DataSize size, const std::string& library) {
  switch (collective) {
    case Collective::all_reduce:
      return network.all_reduce_time(group, size, library);
    case Collective::all_gather:
      return network.all_gather_time(group, size);
    case Collective::reduce_scatter:
      return network.reduce_scatter_time(group, size);
    case Collective::all_to_all:
      return network.all_to_all_time(group, size);
    case Collective::send:
      return network.send_time(group.spans_domains(), size);
    case Collective::broadcast:
      break;
  }
  throw core::InputError("a broadcast has no closed form here; use a scenario of kind \"fabric\"");
}

/// A row for each pair of n_ranks and size.
core::Table times_table(const std::string& models, const std::string& arguments, const std::string& name, const Integers& n_ranks,
                        const Numbers& size_byte, std::int64_t stride, const std::string& library) {
  const auto catalog = catalog_of(models);
  const auto cluster = record_of<Cluster>("ww.network.collectives", arguments);
  const auto& accelerator = resolve(cluster.accelerator, catalog->accelerators);
  const auto* system = cluster.system ? &resolve(*cluster.system, catalog->systems) : catalog->system_of(accelerator.id);
  const auto* fabric = cluster.fabric ? &resolve(*cluster.fabric, catalog->fabrics) : nullptr;
  const auto collective = choice<Collective>(name, "collective");
  std::int64_t most = cluster.n_accelerators;
  for (py::ssize_t i = 0; i < n_ranks.size(); ++i) most = std::max(most, n_ranks.data()[i] * stride);
  const auto network = network::network_of(accelerator, system, fabric, most, *catalog);
  if (!network)
    throw core::InputError(fmt::format("{} has no known network beyond {} accelerators; give \"fabric\"", accelerator.name,
                                       network::scale_up_domain(accelerator, system, *catalog)));
  core::Table table("collectives", {{"n_ranks", core::Table::Kind::integer}, {"n_domains", core::Table::Kind::integer}, {"size_byte"}, {"time_s"},
                                    {"bus_bandwidth_byte_per_s"}, {"basis", core::Table::Kind::text}});
  for (py::ssize_t i = 0; i < n_ranks.size(); ++i) {
    const std::int64_t n = n_ranks.data()[i];
    if (n < 2) throw core::InputError(fmt::format("n_ranks: a collective needs at least 2 ranks, got {}", n));
    if (!(size_byte.data()[i] > 0)) throw core::InputError(fmt::format("size_byte: must be above 0, got {}", size_byte.data()[i]));
    const auto group = network->group(n, stride);
    const DataSize size = size_byte.data()[i] * byte;
    const Time time = time_of(*network, collective, group, size, library);
    const bool measured = network->measured() && !group.spans_domains() && network->measured()->most_ranks(name, "nccl") > 0;
    table.add({n, (n + group.per_domain - 1) / group.per_domain, size.in(byte), time.in(second),
               size.in(byte) * bus_factor(collective, static_cast<double>(n)) / time.in(second),
               measured ? network->measured()->provenance() : std::string{"closed form"}});
  }
  return table;
}

py::dict collective_times(const std::string& models, const std::string& arguments, const std::string& name, const Integers& n_ranks,
                          const Numbers& size_byte, std::int64_t stride, const std::string& library) {
  return as_dict(without_gil([&] { return times_table(models, arguments, name, n_ranks, size_byte, stride, library); }));
}

}  // namespace

void bind_network(py::module_& module) { module.def("collective_times", &collective_times); }

}  // namespace waferwatt::python
