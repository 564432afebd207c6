// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/kv_cache.hpp"

namespace waferwatt::serving {

KvCache::KvCache(std::int64_t n_blocks, std::int64_t block_tokens, std::int64_t prefix_tokens)
    : n_blocks_(n_blocks), block_tokens_(block_tokens), prefix_tokens_(prefix_tokens), n_free_(n_blocks) {
  blocks_per_node_ = prefix_tokens > 0 ? blocks_for(prefix_tokens) : 0;
}

void KvCache::take(std::int64_t n) {
  while (n_free_ < n) evict_one();
  n_free_ -= n;
}

const KvCache::Node* KvCache::find(std::uint64_t hash) const {
  const auto found = index_.find(hash);
  return found == index_.end() ? nullptr : &nodes_[found->second];
}

std::int64_t KvCache::match(std::span<const std::uint64_t> hashes) const {
  std::int64_t n = 0;
  for (const std::uint64_t hash : hashes) {
    if (!find(hash)) break;
    ++n;
  }
  return n;
}

std::int64_t KvCache::idle_blocks(std::span<const std::uint64_t> hashes, std::int64_t n) const {
  std::int64_t n_idle = 0;
  for (const std::uint64_t hash : hashes.first(static_cast<std::size_t>(n))) n_idle += find(hash)->n_users == 0;
  return n_idle * blocks_per_node_;
}

void KvCache::pin(std::span<const std::uint64_t> hashes, std::int64_t n) {
  for (const std::uint64_t hash : hashes.first(static_cast<std::size_t>(n))) {
    const std::uint32_t index = index_.at(hash);
    if (nodes_[index].n_users++ == 0) make_busy(index);
  }
}

void KvCache::keep(std::span<const std::uint64_t> hashes, std::int64_t from, std::int64_t to) {
  for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); ++i) {
    const auto [entry, is_new] = index_.try_emplace(hashes[i], kNone);
    if (!is_new) {
      if (nodes_[entry->second].n_users++ == 0) make_busy(entry->second);
      give_back(blocks_per_node_);
      continue;
    }
    if (unused_nodes_.empty()) {
      unused_nodes_.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.emplace_back();
    }
    entry->second = unused_nodes_.back();
    unused_nodes_.pop_back();
    nodes_[entry->second] = {.hash = hashes[i], .n_users = 1};
  }
}

// From the end, so that the start of the prefix is the more recently used.
void KvCache::unpin(std::span<const std::uint64_t> hashes, std::int64_t n) {
  for (auto i = static_cast<std::size_t>(n); i-- > 0;) {
    const std::uint32_t index = index_.at(hashes[i]);
    if (--nodes_[index].n_users == 0) make_idle(index);
  }
}

void KvCache::make_idle(std::uint32_t index) {
  nodes_[index].before = newest_;
  nodes_[index].after = kNone;
  (newest_ == kNone ? oldest_ : nodes_[newest_].after) = index;
  newest_ = index;
  ++n_idle_nodes_;
}

void KvCache::make_busy(std::uint32_t index) {
  const Node& node = nodes_[index];
  (node.before == kNone ? oldest_ : nodes_[node.before].after) = node.after;
  (node.after == kNone ? newest_ : nodes_[node.after].before) = node.before;
  --n_idle_nodes_;
}

void KvCache::evict_one() {
  const std::uint32_t index = oldest_;
  make_busy(index);
  index_.erase(nodes_[index].hash);
  unused_nodes_.push_back(index);
  n_free_ += blocks_per_node_;
  ++n_evictions_;
}

void KvCache::clear() {
  n_free_ = n_blocks_;
  n_idle_nodes_ = 0;
  nodes_.clear();
  unused_nodes_.clear();
  index_.clear();
  oldest_ = newest_ = kNone;
}

}  // namespace waferwatt::serving
