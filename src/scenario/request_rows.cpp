// SPDX-License-Identifier: Apache-2.0
#include "request_rows.hpp"

#include <algorithm>

namespace waferwatt::scenario {
namespace {

using serving::Charge;
using serving::kNCharges;
using serving::RequestRecord;

const char* state_of(const RequestRecord& request) {
  switch (request.refusal) {
    case serving::Refusal::rate_limited:
      return "rate_limited";
    case serving::Refusal::overloaded:
      return "overloaded";
    case serving::Refusal::too_long:
      return "too_long";
    case serving::Refusal::none:
      break;
  }
  return "completed";
}

constexpr std::pair<const char*, std::int64_t (*)(const RequestRecord&)> kIntegers[] = {
    {"request", [](const RequestRecord& r) { return r.number; }},
    {"replica", [](const RequestRecord& r) { return std::int64_t{r.replica}; }},
    {"input_tokens", [](const RequestRecord& r) { return r.input_tokens; }},
    {"output_tokens", [](const RequestRecord& r) { return r.output_tokens; }},
    {"cached_tokens", [](const RequestRecord& r) { return r.cached_tokens; }},
    {"priority", [](const RequestRecord& r) { return std::int64_t{r.priority}; }},
    {"adapter", [](const RequestRecord& r) { return std::int64_t{r.adapter}; }},
    {"n_preemptions", [](const RequestRecord& r) { return std::int64_t{r.n_preemptions}; }},
    {"n_retries", [](const RequestRecord& r) { return std::int64_t{r.n_retries}; }}};

constexpr std::pair<const char*, double (*)(const RequestRecord&)> kNumbers[] = {
    {"arrival_s", [](const RequestRecord& r) { return r.arrival_s; }},
    {"ttft_s", [](const RequestRecord& r) { return r.completed() ? r.time_to_first_token_s() : 0; }},
    {"tpot_s", [](const RequestRecord& r) { return r.completed() ? r.time_per_output_token_s() : 0; }},
    {"e2e_s", [](const RequestRecord& r) { return r.completed() ? r.end_to_end_s() : 0; }}};

std::string charge_column(std::size_t charge) {
  return std::string(serving::charge_name(static_cast<Charge>(charge))) + "_s";
}

std::vector<std::string> column_names() {
  std::vector<std::string> names{"state"};
  for (const auto& [name, value] : kIntegers) names.emplace_back(name);
  for (const auto& [name, value] : kNumbers) names.emplace_back(name);
  for (std::size_t c = 0; c < kNCharges; ++c) names.push_back(charge_column(c));
  return names;
}

}  // namespace

void RequestRows::take(const RequestRecord& request) {
  if (++n_taken_ <= kMost) requests_.push_back(request);
  if (n_taken_ == kMost + 1) requests_ = {};
}

Table RequestRows::table() {
  std::ranges::sort(requests_, {}, &RequestRecord::number);
  std::vector<std::string> states;
  for (const RequestRecord& request : requests_) states.emplace_back(state_of(request));
  std::vector<Table::Column> columns{std::move(states)};
  for (const auto& [name, value] : kIntegers) {
    std::vector<std::int64_t> column;
    for (const RequestRecord& request : requests_) column.push_back(value(request));
    columns.emplace_back(std::move(column));
  }
  for (const auto& [name, value] : kNumbers) {
    std::vector<double> column;
    for (const RequestRecord& request : requests_) column.push_back(value(request));
    columns.emplace_back(std::move(column));
  }
  for (std::size_t c = 0; c < kNCharges; ++c) {
    std::vector<double> column;
    for (const RequestRecord& request : requests_) column.push_back(request.charged_s[c]);
    columns.emplace_back(std::move(column));
  }
  return Table::from_columns("requests", column_names(), std::move(columns));
}

RequestFile::RequestFile(const std::string& path) : file_(path, column_names()) {}

void RequestFile::take(const RequestRecord& request) {
  file_.add(state_of(request));
  for (const auto& [name, value] : kIntegers) file_.add(value(request));
  for (const auto& [name, value] : kNumbers) file_.add(value(request));
  for (const double charged_s : request.charged_s) file_.add(charged_s);
  file_.end_row();
}

}  // namespace waferwatt::scenario
