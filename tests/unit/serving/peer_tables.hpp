// SPDX-License-Identifier: Apache-2.0
#pragma once
// One peer's operator times and the requests it made of them (shared/data/peers/vidur): a model of iterations.
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "waferwatt/serving/iteration_costs.hpp"
#include "waferwatt/traces/request.hpp"

namespace waferwatt::serving {

/// Rows of numbers of a CSV file in gzip, without its header.
inline std::vector<std::vector<double>> gzip_rows(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw std::runtime_error(path + " cannot be read");
  std::vector<std::vector<double>> rows;
  char line[4096];
  for (bool is_header = true; gzgets(file, line, sizeof line); is_header = false) {
    if (is_header) continue;
    std::vector<double> row;
    for (const char* at = line; *at && *at != '\n';) {
      double value = 0;
      const auto [end, error] = std::from_chars(at, line + sizeof line, value);
      row.push_back(value);
      at = *end == ',' ? end + 1 : end;
      if (error != std::errc{}) break;
    }
    rows.push_back(std::move(row));
  }
  gzclose(file);
  return rows;
}

class PeerCosts final : public IterationCosts {
 public:
  explicit PeerCosts(const std::string& folder) {
    for (const char* name : {"attn_pre_proj", "attn_post_proj", "attn_rope", "input_layernorm", "mlp_up_proj",
                             "mlp_down_proj", "mlp_act", "post_attention_layernorm", "add"})
      for (const auto& row : gzip_rows(folder + "/" + name + ".csv.gz")) at(tokens_, row[0]) += row[1];
    for (const auto& row : gzip_rows(folder + "/attn_kv_cache_save.csv.gz")) at(saving_, row[0]) = row[1];
    for (const auto& row : gzip_rows(folder + "/attn_decode.csv.gz")) {
      const auto n = static_cast<std::size_t>(row[0]);
      if (n >= decode_.size()) decode_.resize(n + 1);
      at(decode_[n], row[1] / 64) = row[2];
    }
    for (const auto& row : gzip_rows(folder + "/attn_prefill.csv.gz")) {
      const auto k = static_cast<std::size_t>(row[0] / 64);
      if (k >= prefill_.size()) prefill_.resize(k + 1);
      at(prefill_[k], std::sqrt(row[1])) = row[2];
    }
  }

  IterationCost cost(const IterationLoad& load, std::span<const PrefillChunk> chunks) override {
    double layer_ms = of_tokens(load.n_decode + load.prefill_tokens);
    if (load.n_decode > 0) layer_ms += of_decodes(load.n_decode, load.decode_context / load.n_decode);
    if (!chunks.empty()) {
      std::int64_t context = 0, squares = 0;
      for (const PrefillChunk& chunk : chunks) {
        context += rounded(chunk.context);
        squares += chunk.new_tokens * chunk.new_tokens;
      }
      const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(squares))));
      layer_ms += prefill_.at(static_cast<std::size_t>(context / 64)).at(side) * (chunks.size() > 1 ? 1.1 : 1);
    }
    return {.time_s = kLayers * layer_ms * 1e-3};
  }

  IterationCost decode_steps(std::int64_t n, std::int64_t context, std::int64_t n_steps) override {
    double layer_ms = static_cast<double>(n_steps) * of_tokens(n);
    std::int64_t mean = context / n;  // grows by one a step
    for (std::int64_t left = n_steps; left > 0;) {
      const std::int64_t here = std::min(left, rounded(mean) - mean + 1);
      layer_ms += static_cast<double>(here) * of_decodes(n, mean);
      mean += here;
      left -= here;
    }
    return {.time_s = kLayers * layer_ms * 1e-3};
  }

 private:
  static constexpr double kLayers = 32;
  static std::int64_t rounded(std::int64_t tokens) { return (tokens + 63) / 64 * 64; }
  static double& at(std::vector<double>& table, double index) {
    const auto i = static_cast<std::size_t>(std::lround(index));
    if (i >= table.size()) table.resize(i + 1);
    return table[i];
  }
  double of_tokens(std::int64_t n) const {
    return tokens_.at(static_cast<std::size_t>((n + 7) / 8 * 8)) + saving_.at(static_cast<std::size_t>(n));
  }
  double of_decodes(std::int64_t n, std::int64_t mean) const {
    return decode_.at(static_cast<std::size_t>(n)).at(static_cast<std::size_t>(rounded(mean) / 64)) * (n > 1 ? 1.1 : 1);
  }

  std::vector<double> tokens_, saving_;               // by tokens, ms a layer
  std::vector<std::vector<double>> decode_, prefill_;  // by (sequences, mean context / 64); (context / 64, chunk)
};

struct PeerRequest {
  double arrival_s, ttft_s, e2e_s;
  std::int64_t input_tokens, output_tokens;
};

/// Requests of a run of so many replicas. Arrivals at 16 replicas are those at one, 16 times as fast; the file has them
/// rounded to a microsecond, which can move a request from one iteration to the next.
inline std::vector<PeerRequest> peer_requests(const std::string& folder, const std::string& policy, std::int64_t n_replicas) {
  const auto rows_of = [&](std::int64_t n) { return gzip_rows(folder + "/requests-" + policy + "_" + std::to_string(n) + "r.csv.gz"); };
  const auto rows = rows_of(n_replicas), slow = rows_of(1);
  std::vector<PeerRequest> requests;
  for (std::size_t i = 0; i < rows.size(); ++i)
    requests.push_back({slow[i][1] / static_cast<double>(n_replicas), rows[i][4], rows[i][6],
                        static_cast<std::int64_t>(rows[i][2]), static_cast<std::int64_t>(rows[i][3])});
  return requests;
}

class PeerSource final : public traces::Source {
 public:
  explicit PeerSource(const std::vector<PeerRequest>& requests) : requests_(requests) {}
  bool next(traces::Request& request) override {
    if (i_ == requests_.size()) return false;
    const PeerRequest& peer = requests_[i_++];
    request.arrival_s = peer.arrival_s;
    request.input_tokens = peer.input_tokens;
    request.output_tokens = peer.output_tokens;
    return true;
  }

 private:
  const std::vector<PeerRequest>& requests_;
  std::size_t i_ = 0;
};

}  // namespace waferwatt::serving
