// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/header.hpp"

#include <algorithm>

namespace waferwatt::scenario {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

const io::Record<MonteCarlo>& MonteCarlo::record() {
  static const auto record =
      io::Record<MonteCarlo>("monte_carlo", "Runs with uncertain values drawn within their ranges; bands are their 10 % and 90 % quantiles.")
          .required("runs", &MonteCarlo::runs, {.doc = "How many.", .at_least = 2, .at_most = 1000000})
          .optional("seed", &MonteCarlo::seed, {.doc = "Seed of the draws; absent: the scenario's.", .at_least = 0});
  return record;
}

const io::Record<Header>& Header::record() {
  static const auto record =
      io::Record<Header>("scenario", "What every scenario has.")
          .required("schema", &Header::schema, {.doc = "Format of the file: \"waferwatt.scenario/1\"."})
          .required("kind", &Header::kind, {.doc = "What is simulated; decides which further keys there are."})
          .required("name", &Header::name,
                    {.doc = "Name of the scenario; its results go to results/<name>, with \"-\" for what does not "
                            "belong into a path."})
          .optional("question", &Header::question, {.doc = "The question that the scenario answers."})
          .optional("seed", &Header::seed, {.doc = "Seed of all random streams.", .at_least = 0})
          .optional("extends", &Header::extends,
                    {.doc = "Scenario file to start from, relative to this one; members given here replace its members "
                            "(RFC 7396)."})
          .optional("monte_carlo", &Header::monte_carlo, {.doc = "Bands from uncertain inputs; for kinds \"supply\" and \"world\"."})
          .optional("sweep", &Header::sweep, {.doc = "Many points instead of one; `waferwatt sweep`."})
          .check([](const Header& header, const io::FieldComplaint& complain) {
            if (header.name.size() > 100 || std::ranges::none_of(header.name, is_letter_or_digit))
              complain("name", "a name has at least one letter or digit and at most 100 characters");
          });
  return record;
}

std::string folder_name(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (is_letter_or_digit(c) || c == '_' || c == '-' || (c == '.' && !result.empty()))
      result += c;
    else if (!result.empty() && result.back() != '-')
      result += '-';
  }
  while (result.ends_with('-') || result.ends_with('.')) result.pop_back();
  return result;
}

}  // namespace waferwatt::scenario
