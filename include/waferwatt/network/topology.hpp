// SPDX-License-Identifier: Apache-2.0
#pragma once
// A fabric as vertices (ranks first, then switches) and directed links, with computed routes: nothing is
// stored per pair. Parallel cables between the same switches are one link, a trunk.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "waferwatt/core/quantity.hpp"
#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::network {

using Rank = std::uint32_t;
using LinkIndex = std::uint32_t;
using Vertex = std::uint32_t;

struct Link {
  Vertex from, to;
  Bandwidth capacity;  ///< what large messages reach
  Time latency;
};

/// A link and how often a pattern of traffic uses it.
struct LinkLoad {
  LinkIndex link;
  double times;
};

/// Vertices of one kind that follow each other: "leaf 0", "leaf 1", ...
struct VertexRange {
  std::string name;
  Vertex first, count;
};

class Topology {
 public:
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;
  virtual ~Topology() = default;

  std::uint32_t n_ranks() const { return n_ranks_; }
  std::uint32_t n_vertices() const { return n_vertices_; }
  /// Ranks [k d, (k+1) d) share a scale-up domain.
  std::uint32_t domain_size() const { return domain_size_; }
  const std::vector<Link>& links() const { return links_; }

  /// Appends the links from one rank to another, around failed ones where the fabric has another way.
  /// \throws InfeasibleError naming both ranks when there is none; std::logic_error for an unknown rank
  void append_route(Rank from, Rank to, std::vector<LinkIndex>& into) const;
  std::vector<LinkIndex> route(Rank from, Rank to) const;
  Time latency(std::span<const LinkIndex> route) const;

  /// How often each link is used when every rank sends one message to each other one; the message to
  /// the i-th rank weighs popularity[i] (1 when empty).
  virtual std::vector<LinkLoad> exchange_loads(std::span<const Rank> ranks, std::span<const double> popularity) const;

  /// Sizes of the dimensions of a torus or mesh; empty for other kinds.
  const std::vector<std::uint32_t>& torus_sizes() const { return torus_sizes_; }
  bool wraps_around() const { return wraps_around_; }

  /// A failed link takes no new routes.
  void set_failed(LinkIndex link, bool failed);
  bool failed(LinkIndex link) const { return !failed_.empty() && failed_[link]; }
  bool any_failed() const { return n_failed_ > 0; }

  /// "leaf 3", "gpu 17".
  std::string vertex_name(Vertex vertex) const;
  /// "gpu 17 -> leaf 3".
  std::string link_name(LinkIndex link) const;
  /// Kind of a link: "gpu -> leaf".
  std::string link_kind(LinkIndex link) const;
  const std::vector<VertexRange>& vertex_ranges() const { return ranges_; }
  /// The links that a text names: one link, or all those of one vertex.
  /// \throws InputError with the kinds of vertices there are
  std::vector<LinkIndex> links_named(std::string_view text) const;

 protected:
  Topology(std::uint32_t n_ranks, std::uint32_t domain_size);

  /// \returns false when there is no way
  virtual bool find_route(Rank from, Rank to, std::vector<LinkIndex>& into) const = 0;
  Vertex add_vertices(std::string name, std::uint32_t count);
  LinkIndex add_link(Vertex from, Vertex to, Bandwidth capacity, Time latency);
  void reserve_links(std::size_t n) { links_.reserve(n); }
  void set_torus(std::vector<std::uint32_t> sizes, bool wraps_around) {
    torus_sizes_ = std::move(sizes);
    wraps_around_ = wraps_around;
  }

 private:
  std::uint32_t n_ranks_, n_vertices_ = 0, domain_size_;
  std::vector<VertexRange> ranges_;
  std::vector<Link> links_;
  std::vector<bool> failed_;
  std::size_t n_failed_ = 0;
  std::vector<std::uint32_t> torus_sizes_;
  bool wraps_around_ = false;
};

}  // namespace waferwatt::network
