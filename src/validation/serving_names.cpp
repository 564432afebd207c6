// SPDX-License-Identifier: Apache-2.0
#include "serving_names.hpp"

#include <cctype>

namespace waferwatt::validation {
namespace {

constexpr std::string_view kSuffixes[] = {"-instruct", "-fp8", "-nvfp4", "-fp4", "-mxfp4", "-int4", "-bf16", "-chat", "-hf"};
constexpr std::string_view kPrefixes[] = {"meta-", "nvidia-"};

/// Without one suffix, or a date such as "-2507" or "-0528"; the text itself when it has neither.
std::string_view shortened(std::string_view name) {
  for (const auto suffix : kSuffixes)
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  const auto dash = name.rfind('-');
  const bool has_date = dash != name.npos && name.size() - dash == 5 && name.find_first_not_of("0123456789", dash + 1) == name.npos;
  return has_date ? name.substr(0, dash) : name;
}

/// Letters and digits alone: "llama2-70b" is "llama-2-70b".
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c != '-') out += c;
  return out;
}

const catalog::LanguageModel* find_plain(std::string_view name, const catalog::Catalog& catalog) {
  if (const auto* model = catalog.language_models.find(name)) return model;
  for (const auto& [id, model] : catalog.language_models.all())
    if (plain(id) == plain(name)) return &model;
  return nullptr;
}

}  // namespace

const catalog::LanguageModel* find_language_model(std::string path, const catalog::Catalog& catalog) {
  for (char& c : path) c = c == '.' || c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view name = path;
  if (const auto slash = name.find('/'); slash != name.npos) name.remove_prefix(slash + 1);
  for (const auto prefix : kPrefixes)
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  for (std::size_t size = 0; size != name.size();) {
    if (const auto* model = find_plain(name, catalog)) return model;
    size = name.size();
    name = shortened(name);
  }
  return nullptr;
}

}  // namespace waferwatt::validation
