// SPDX-License-Identifier: Apache-2.0
#pragma once
// The KV blocks of a replica: free, held by sequences, or kept for prompts that begin alike.
//
// The prefix cache keeps blocks of prompts under hashes that stand for all tokens up to the block's end, so a prompt
// finds the longest part that it shares with earlier ones by walking its own hashes. Blocks that no sequence uses
// stay until the space is needed; the least recently used go first, the end of a prefix before its start.
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace waferwatt::serving {

class KvCache {
 public:
  /// \param prefix_tokens of one hashed block; 0: no prefix cache
  KvCache(std::int64_t n_blocks, std::int64_t block_tokens, std::int64_t prefix_tokens);

  std::int64_t n_blocks() const { return n_blocks_; }
  /// Held by sequences.
  std::int64_t n_used() const { return n_blocks_ - n_free_ - n_idle_nodes_ * blocks_per_node_; }
  /// Free, or free at once for the asking.
  std::int64_t n_available() const { return n_free_ + n_idle_nodes_ * blocks_per_node_; }
  std::int64_t blocks_for(std::int64_t tokens) const { return (tokens + block_tokens_ - 1) / block_tokens_; }

  /// Takes blocks, of which so many are available.
  void take(std::int64_t n);
  void give_back(std::int64_t n) { n_free_ += n; }

  bool caches_prefixes() const { return prefix_tokens_ > 0; }
  std::int64_t prefix_tokens() const { return prefix_tokens_; }
  std::int64_t blocks_per_prefix() const { return blocks_per_node_; }
  /// Hashed blocks at the start of a prompt that are kept.
  std::int64_t match(std::span<const std::uint64_t> hashes) const;
  /// Of the first `n` hashed blocks: KV blocks that are idle now, and no longer once they are pinned.
  std::int64_t idle_blocks(std::span<const std::uint64_t> hashes, std::int64_t n) const;
  /// The first `n`, which are kept, are used by one more sequence.
  void pin(std::span<const std::uint64_t> hashes, std::int64_t n);
  /// Keeps blocks [from, to) of a prompt, taken before by a sequence that goes on using them as shared ones. Of
  /// blocks that are kept already, the sequence's own are given back.
  void keep(std::span<const std::uint64_t> hashes, std::int64_t from, std::int64_t to);
  void unpin(std::span<const std::uint64_t> hashes, std::int64_t n);
  std::int64_t n_evictions() const { return n_evictions_; }

  /// Everything is lost.
  void clear();

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Node {
    std::uint64_t hash = 0;
    std::int32_t n_users = 0;
    std::uint32_t before = kNone, after = kNone;  // neighbours among the idle, least recently used first
  };

  const Node* find(std::uint64_t hash) const;
  void make_idle(std::uint32_t index);
  void make_busy(std::uint32_t index);
  void evict_one();

  std::int64_t n_blocks_, block_tokens_, prefix_tokens_, blocks_per_node_ = 0;
  std::int64_t n_free_, n_idle_nodes_ = 0, n_evictions_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> unused_nodes_;
  std::unordered_map<std::uint64_t, std::uint32_t> index_;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
};

}  // namespace waferwatt::serving
