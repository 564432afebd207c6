// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/fact.hpp"

#include <algorithm>

namespace waferwatt::catalog {

bool read_fact_details(const io::Value& value, const std::string& path, io::ReadContext& context, bool has_range, FactDetails& out) {
  const auto* members = io::expect_object(value, path, context, "a fact {\"value\": ..., \"source\": ..., \"quality\": ...}");
  if (!members) return false;
  static const std::vector<std::string> kKeys = {"value", "low", "high", "source", "quality", "note", "currency_year"};
  for (const auto& [key, member] : *members)
    if (!io::is_note(key) && std::ranges::find(kKeys, key) == kKeys.end())
      context.complain(member, path + "/" + key, "unknown key \"" + key + "\"" + suggestion(key, kKeys, "keys"));
  if (!value.find("value")) context.complain(value, path, "a fact needs a \"value\"");

  const auto* source = value.find("source");
  if (source) io::read_text(*source, path + "/source", context, out.source);
  else if (context.sources_required) context.complain(value, path, "a fact needs a \"source\" (an id in models/sources.json)");
  else out.source = "scenario";
  if (auto* catalog_context = dynamic_cast<CatalogReadContext*>(&context); catalog_context && source)
    catalog_context->citations.push_back({out.source, source->place(), path + "/source"});

  if (const auto* quality = value.find("quality")) io::Codec<Quality>::read(*quality, path + "/quality", context, out.quality, {});
  else if (context.sources_required) context.complain(value, path, "a fact needs a \"quality\"");
  if (const auto* note = value.find("note")) io::read_text(*note, path + "/note", context, out.note);
  if (const auto* year = value.find("currency_year")) io::read_integer(*year, path + "/currency_year", context, out.currency_year.emplace());

  if (out.quality == Quality::guess && !has_range) context.complain(value, path, "a guess needs a range: \"low\" and \"high\"");
  if (out.quality == Quality::derived && out.note.empty()) context.complain(value, path, "a derived value needs a \"note\" with its formula");
  return true;
}

void write_fact_details(const FactDetails& details, io::Value& object) {
  object["source"] = io::Value{details.source};
  object["quality"] = io::Codec<Quality>::write(details.quality);
  if (!details.note.empty()) object["note"] = io::Value{details.note};
  if (details.currency_year) object["currency_year"] = io::Value{*details.currency_year};
}

}  // namespace waferwatt::catalog
