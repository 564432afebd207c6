// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/text_table.hpp"

namespace waferwatt::cli {
namespace {

void expect_words(const std::vector<std::string>& words, std::size_t least, std::size_t most, std::string_view usage) {
  if (words.size() < least || words.size() > most) throw UsageError(fmt::format("usage: waferwatt catalog {}", usage));
}

int list_kinds() {
  report::TextTable table({"kind", "things", "what they are"},
                          {report::TextTable::Align::left, report::TextTable::Align::right});
  for (const auto& kind : catalog::kinds())
    table.add({kind, std::to_string(catalog::ids_of_kind(*shared_catalog(), kind).size()),
               catalog::record_of_kind(kind).doc()});
  fmt::print("{}", table.text(0));
  return kOk;
}

int list_kind(const std::string& kind) {
  report::TextTable table({"id", "name"});
  for (const auto& id : catalog::ids_of_kind(*shared_catalog(), kind)) {
    const io::Value thing = catalog::show(*shared_catalog(), id);
    const io::Value* name = thing.find("name");
    const auto* text = name ? name->get_if<std::string>() : nullptr;
    table.add({id, text ? *text : ""});
  }
  fmt::print("{}", table.text(0));
  return kOk;
}

int list_sources() {
  report::TextTable table({"id", "date", "title", "publisher", "where"});
  for (const auto& [id, source] : shared_catalog()->sources)
    table.add(
        {id, source.date.value_or(""), source.title, source.publisher, source.url.value_or(source.where.value_or(""))});
  fmt::print("{}", table.text(0));
  return kOk;
}

std::vector<std::string> first_words() { return {"list", "show", "sources"}; }

int run(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.empty()) return list_kinds();
  if (words[0] == "list") {
    expect_words(words, 1, 2, "list [KIND]");
    return words.size() == 1 ? list_kinds() : list_kind(words[1]);
  }
  if (words[0] == "show") {
    expect_words(words, 2, 2, "show ID");
    fmt::print("{}", io::to_json(catalog::show(*shared_catalog(), words[1])));
    return kOk;
  }
  if (words[0] == "sources") {
    expect_words(words, 1, 1, "sources");
    return list_sources();
  }
  throw UsageError(
      fmt::format("unknown word \"{}\"{}", words[0], core::suggestion(words[0], first_words(), "words")));
}

}  // namespace

Command catalog_command() {
  return {.name = "catalog",
          .arguments = "[list [KIND] | show ID | sources]",
          .doc = "Show what the catalog knows: accelerators, language models, packaging, grids, ...",
          .examples =
              "  waferwatt catalog list accelerators\n"
              "  waferwatt catalog show nvidia-h100-sxm\n"
              "  waferwatt catalog sources\n",
          .options = {},
          .run = run,
          .choices = first_words};
}

}  // namespace waferwatt::cli
