// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/rows_json.hpp"
#include "waferwatt/report/text_table.hpp"

namespace waferwatt::cli {
namespace {

void expect_words(const std::vector<std::string>& words, std::size_t least, std::size_t most, std::string_view usage) {
  if (words.size() < least || words.size() > most) throw UsageError(fmt::format("usage: waferwatt catalog {}", usage));
}

using core::Table;

Table kinds_table() {
  Table table("kinds", {{"kind", Table::Kind::text}, {"things", Table::Kind::integer}, {"what they are", Table::Kind::text}});
  for (const auto& kind : catalog::kinds())
    table.add({kind, static_cast<std::int64_t>(catalog::ids_of_kind(*shared_catalog(), kind).size()), catalog::record_of_kind(kind).doc()});
  return table;
}

Table things_table(const std::string& kind) {
  Table table("things", {{"id", Table::Kind::text}, {"name", Table::Kind::text}});
  for (const auto& id : catalog::ids_of_kind(*shared_catalog(), kind)) {
    const io::Value thing = catalog::show(*shared_catalog(), id);
    const io::Value* name = thing.find("name");
    const auto* text = name ? name->get_if<std::string>() : nullptr;
    table.add({id, text ? *text : std::string{}});
  }
  return table;
}

Table sources_table() {
  Table table("sources", {{"id", Table::Kind::text}, {"date", Table::Kind::text}, {"title", Table::Kind::text}, {"publisher", Table::Kind::text}, {"where", Table::Kind::text}});
  for (const auto& [id, source] : shared_catalog()->sources)
    table.add({id, source.date.value_or(""), source.title, source.publisher, source.url.value_or(source.where.value_or(""))});
  return table;
}

int print(const Table& table, const Arguments& arguments) {
  if (arguments.has("--json")) {
    fmt::print("{}", io::to_json(report::rows_json(table)));
    return kOk;
  }
  std::vector<report::TextTable::Align> alignment;
  for (std::size_t c = 0; c < table.n_columns(); ++c)
    alignment.push_back(std::holds_alternative<std::vector<std::int64_t>>(table.column(c)) ? report::TextTable::Align::right : report::TextTable::Align::left);
  report::TextTable text(table.column_names(), alignment);
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    std::vector<std::string> cells;
    for (std::size_t c = 0; c < table.n_columns(); ++c)
      cells.push_back(std::holds_alternative<std::vector<std::int64_t>>(table.column(c)) ? std::to_string(table.integers(table.column_names()[c])[row])
                                                                                         : table.texts(table.column_names()[c])[row]);
    text.add(std::move(cells));
  }
  fmt::print("{}", text.text(0));
  return kOk;
}

std::vector<std::string> first_words() { return {"list", "show", "sources"}; }

int run(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.empty()) return print(kinds_table(), arguments);
  if (words[0] == "list") {
    expect_words(words, 1, 2, "list [KIND]");
    return print(words.size() == 1 ? kinds_table() : things_table(words[1]), arguments);
  }
  if (words[0] == "show") {
    expect_words(words, 2, 2, "show ID");
    fmt::print("{}", io::to_json(catalog::show(*shared_catalog(), words[1])));
    return kOk;
  }
  if (words[0] == "sources") {
    expect_words(words, 1, 1, "sources");
    return print(sources_table(), arguments);
  }
  throw UsageError(
      fmt::format("unknown word \"{}\"{}", words[0], core::suggestion(words[0], first_words(), "words")));
}

}  // namespace

Command catalog_command() {
  return {.name = "catalog",
          .arguments = "[list [KIND] | show ID | sources] [--json]",
          .doc = "Show what the catalog knows: accelerators, language models, packaging, grids, ...",
          .examples =
              "  waferwatt catalog list accelerators\n"
              "  waferwatt catalog show nvidia-h100-sxm\n"
              "  waferwatt catalog sources --json\n",
          .options = {{"--json", "", "", "Print lists as JSON (show always does)."}},
          .run = run,
          .choices = first_words};
}

}  // namespace waferwatt::cli
