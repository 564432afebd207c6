// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/collectives.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "calibration/device/check.hpp"
#include "calibration/device/kernels.hpp"

namespace waferwatt::calibration {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
constexpr int kRepeats = 20, kSamples = 5;

/// One rank: its device, stream and buffers.
struct Rank {
  int device = 0;
  cudaStream_t stream = nullptr;
  cudaEvent_t start = nullptr, stop = nullptr;
  void *in = nullptr, *out = nullptr;
  ncclComm_t communicator = nullptr;
};

class Ranks {
 public:
  explicit Ranks(int n) : ranks_(static_cast<std::size_t>(n)) {
    std::vector<ncclComm_t> communicators(ranks_.size());
    std::vector<int> devices;
    for (int i = 0; i < n; ++i) devices.push_back(i);
    WAFERWATT_CALL(ncclCommInitAll(communicators.data(), n, devices.data()));
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      Rank& r = ranks_[i];
      r.device = devices[i], r.communicator = communicators[i];
      WAFERWATT_CALL(cudaSetDevice(r.device));
      WAFERWATT_CALL(cudaStreamCreateWithFlags(&r.stream, cudaStreamNonBlocking));
      WAFERWATT_CALL(cudaEventCreate(&r.start));
      WAFERWATT_CALL(cudaEventCreate(&r.stop));
      WAFERWATT_CALL(cudaMalloc(&r.in, kMostBytes));
      WAFERWATT_CALL(cudaMalloc(&r.out, kMostBytes));
      fill_normal(r.stream, static_cast<__nv_bfloat16*>(r.in), kMostBytes / 2, i + 1);
    }
    synchronize();
  }
  ~Ranks() {
    for (Rank& r : ranks_) {
      cudaSetDevice(r.device);
      cudaFree(r.in), cudaFree(r.out);
      cudaEventDestroy(r.start), cudaEventDestroy(r.stop);
      cudaStreamDestroy(r.stream);
      ncclCommDestroy(r.communicator);
    }
  }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  using Collective = std::function<void(const Rank&, int rank, int n, std::size_t bytes)>;

  /// Time of one collective: the slowest rank's.
  double us(const Collective& collective, std::size_t bytes, int repeats) {
    for (const Rank& r : ranks_) record(r, r.start);
    for (int i = 0; i < repeats; ++i) {
      WAFERWATT_CALL(ncclGroupStart());
      for (std::size_t rank = 0; rank < ranks_.size(); ++rank)
        collective(ranks_[rank], static_cast<int>(rank), static_cast<int>(ranks_.size()), bytes);
      WAFERWATT_CALL(ncclGroupEnd());
    }
    for (const Rank& r : ranks_) record(r, r.stop);
    synchronize();
    double most = 0;
    for (const Rank& r : ranks_) {
      float ms = 0;
      WAFERWATT_CALL(cudaEventElapsedTime(&ms, r.start, r.stop));
      most = std::max(most, 1e3 * ms / repeats);
    }
    return most;
  }

 private:
  static void record(const Rank& r, cudaEvent_t event) {
    WAFERWATT_CALL(cudaSetDevice(r.device));
    WAFERWATT_CALL(cudaEventRecord(event, r.stream));
  }
  void synchronize() {
    for (const Rank& r : ranks_) {
      WAFERWATT_CALL(cudaSetDevice(r.device));
      WAFERWATT_CALL(cudaStreamSynchronize(r.stream));
    }
  }
  std::vector<Rank> ranks_;
};

char* at(void* base, std::size_t offset) { return static_cast<char*>(base) + offset; }

const std::vector<std::pair<const char*, Ranks::Collective>>& collectives() {
  static const std::vector<std::pair<const char*, Ranks::Collective>> list{
      {"all_reduce",
       [](const Rank& r, int, int, std::size_t bytes) {
         WAFERWATT_CALL(ncclAllReduce(r.in, r.out, bytes / 2, ncclBfloat16, ncclSum, r.communicator, r.stream));
       }},
      {"all_gather",
       [](const Rank& r, int, int n, std::size_t bytes) {
         WAFERWATT_CALL(ncclAllGather(r.in, r.out, bytes / 2 / static_cast<std::size_t>(n), ncclBfloat16,
                                      r.communicator, r.stream));
       }},
      {"reduce_scatter",
       [](const Rank& r, int, int n, std::size_t bytes) {
         WAFERWATT_CALL(ncclReduceScatter(r.in, r.out, bytes / 2 / static_cast<std::size_t>(n), ncclBfloat16, ncclSum,
                                          r.communicator, r.stream));
       }},
      {"all_to_all",
       [](const Rank& r, int, int n, std::size_t bytes) {
         const std::size_t part = bytes / static_cast<std::size_t>(n);
         for (int peer = 0; peer < n; ++peer) {
           const std::size_t offset = part * static_cast<std::size_t>(peer);
           WAFERWATT_CALL(ncclSend(at(r.in, offset), part, ncclInt8, peer, r.communicator, r.stream));
           WAFERWATT_CALL(ncclRecv(at(r.out, offset), part, ncclInt8, peer, r.communicator, r.stream));
         }
       }},
      {"send_receive",
       [](const Rank& r, int rank, int n, std::size_t bytes) {
         WAFERWATT_CALL(ncclSend(r.in, bytes, ncclInt8, (rank + 1) % n, r.communicator, r.stream));
         WAFERWATT_CALL(ncclRecv(r.out, bytes, ncclInt8, (rank + n - 1) % n, r.communicator, r.stream));
       }},
  };
  return list;
}

}  // namespace

std::vector<Measurement> collective_points(int visible_gpus, double deadline_s) {
  std::vector<Measurement> out;
  const auto begin = std::chrono::steady_clock::now();
  for (int n = 2; n <= visible_gpus; n *= 2) {
    Ranks ranks(n);
    for (const auto& [name, collective] : collectives())
      for (std::size_t bytes = 256; bytes <= kMostBytes; bytes *= 4) {
        if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > deadline_s) return out;
        ranks.us(collective, bytes, 2);
        std::vector<double> samples;
        const int repeats = bytes > (64u << 20) ? 3 : kRepeats;
        for (int i = 0; i < kSamples; ++i) samples.push_back(ranks.us(collective, bytes, repeats));
        Measurement m;
        m.point = {name, "bf16", {{"gpus", n}, {"message_bytes", static_cast<std::int64_t>(bytes)}}};
        m.point.cold = false;
        Sample sample;
        sample.us = summary(samples);
        sample.timing = "events", sample.stop = "cap", sample.copies = repeats;
        m.passes.push_back(sample);
        out.push_back(std::move(m));
      }
  }
  return out;
}

}  // namespace waferwatt::calibration
