// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace waferwatt::scenario {
namespace {

namespace fs = std::filesystem;

/// Reads documents and follows `extends`, with the chain of files that led to each.
class DocumentReader {
 public:
  explicit DocumentReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  io::Value read_file(const std::string& file) {
    const std::size_t n_before = diagnostics_.found().size();
    io::Value document = io::read_json_file(file, diagnostics_);
    if (diagnostics_.found().size() > n_before) return document;
    chain_.push_back(file);
    document = extended(std::move(document), fs::path{file}.parent_path());
    chain_.pop_back();
    return document;
  }

  io::Value read_text(const std::string& name, std::string_view text) {
    const std::size_t n_before = diagnostics_.found().size();
    io::Value document = io::parse_json(name, text, diagnostics_);
    return diagnostics_.found().size() > n_before ? document : extended(std::move(document), {});
  }

 private:
  /// The document merged over the one it extends; without its "extends".
  io::Value extended(io::Value document, const fs::path& folder) {
    const io::Value* extends = document.find("extends");
    if (!extends) return document;
    const auto complain = [&](std::string message) {
      diagnostics_.add(io::diagnostic_at(extends->place(), "/extends", std::move(message)));
      return document;
    };
    const auto* name = extends->get_if<std::string>();
    if (!name) return complain(fmt::format("expected the name of a scenario file, got {}", extends->describe()));
    const std::string base_file = (folder / *name).lexically_normal().string();
    std::error_code error;
    if (!fs::exists(base_file, error)) return complain(fmt::format("no such file: {}", base_file));
    for (std::size_t i = 0; i < chain_.size(); ++i)
      if (fs::equivalent(chain_[i], base_file, error))
        return complain(fmt::format("\"extends\" runs in a circle: {} -> {}",
                                    fmt::join(chain_.begin() + static_cast<std::ptrdiff_t>(i), chain_.end(), " -> "),
                                    base_file));
    io::Value merged = read_file(base_file);
    const io::Place place = document.place();
    io::merge_patch(merged, document);
    merged.set_place(place);
    std::erase_if(*merged.get_if<io::Value::Object>(),
                  [](const io::Value::Member& member) { return member.key == "extends"; });
    return merged;
  }

  Diagnostics& diagnostics_;
  std::vector<std::string> chain_;
};

/// Objects made on the way to an overridden value were written in the override, too.
void place_new_objects(io::Value& value, const io::Place& place) {
  if (!value.place().file) value.set_place(place);
  if (auto* members = value.get_if<io::Value::Object>())
    for (auto& member : *members) place_new_objects(member.value, place);
}

void apply_override(io::Value& document, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw InputError(fmt::format("--set {}: expected PATH=VALUE, as in parallel.tensor=4", text));
  const std::string path = text.substr(0, equals);
  if (path.front() == '.' || path.back() == '.' || path.find("..") != std::string::npos)
    throw InputError(fmt::format("--set {}: the path \"{}\" has an empty part", text, path));
  io::Value value = io::parse_override(std::string_view{text}.substr(equals + 1));
  const io::Place place = value.place();
  io::set_path(document, path, std::move(value));
  place_new_objects(document, place);
}

/// \returns false when the rest of the document cannot be understood in this version
bool check_schema(const io::Value& document, Diagnostics& diagnostics) {
  const io::Value* schema = document.find("schema");
  const auto* text = schema ? schema->get_if<std::string>() : nullptr;
  if (!text || *text == kSchema) return true;
  const auto complain = [&](std::string message) {
    diagnostics.add(io::diagnostic_at(schema->place(), "/schema", std::move(message)));
    return false;
  };
  constexpr std::string_view kPrefix = "waferwatt.scenario/";
  int major = 0;
  if (text->starts_with(kPrefix)) std::from_chars(text->data() + kPrefix.size(), text->data() + text->size(), major);
  if (major > 1)
    return complain(fmt::format(
        "this file is in scenario format {}, and this version of Waferwatt reads format 1; use a newer version",
        major));
  return complain(fmt::format("expected \"{}\", got \"{}\"", kSchema, *text));
}

std::string names_of(std::span<const Kind> kinds) {
  std::vector<std::string_view> names;
  for (const auto& kind : kinds) names.push_back(kind.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Kind* find_kind(const io::Value& document, std::span<const Kind> kinds, Diagnostics& diagnostics) {
  const io::Value* kind = document.find("kind");
  const auto* name = kind ? kind->get_if<std::string>() : nullptr;
  if (!name) return nullptr;  // the header's reader says so
  for (const auto& candidate : kinds)
    if (candidate.name == *name) return &candidate;
  std::vector<std::string> known;
  for (const auto& candidate : kinds) known.emplace_back(candidate.name);
  diagnostics.add(io::diagnostic_at(
      kind->place(), "/kind",
      *name == "fleet" ? fmt::format("kind \"fleet\" is not available in this version; it has {}", names_of(kinds))
                       : fmt::format("unknown kind \"{}\"{}", *name, suggestion(*name, known, "kinds"))));
  return nullptr;
}

/// How far a key is from the nearest key of a record.
std::size_t distance_to(const io::RecordBase& record, std::string_view key) {
  std::size_t least = std::string::npos;
  for (const auto& field : record.fields()) least = std::min(least, edit_distance(key, field.key));
  return least;
}

/// Splits a document into the members of the header and those of the kind. A misspelt key goes to
/// the side where a similar one is, so that its message can say which.
std::pair<io::Value, io::Value> split(const io::Value& document, const Kind* kind) {
  io::Value header{io::Value::Object{}}, own{io::Value::Object{}};
  header.set_place(document.place());
  own.set_place(document.place());
  for (const auto& [key, value] : *document.get_if<io::Value::Object>()) {
    const std::size_t to_header = distance_to(Header::record(), key);
    const bool is_own = kind && to_header > 0 && distance_to(kind->record(), key) <= to_header;
    const bool is_header = to_header == 0 || (!is_own && to_header <= 2);
    (is_header ? header : own)[key] = value;
  }
  return {std::move(header), std::move(own)};
}

/// Members that are part of the format and that this version, or the kind, cannot honour: never ignored.
void refuse_unavailable(io::Value& document, const Kind* kind, Diagnostics& diagnostics) {
  const auto refuse = [&](const char* key, const std::string& message) {
    const io::Value* member = document.find(key);
    if (!member) return;
    diagnostics.add(io::diagnostic_at(member->place(), fmt::format("/{}", key), message));
    std::erase_if(*document.get_if<io::Value::Object>(), [&](const io::Value::Member& m) { return m.key == key; });
  };
  if (kind && !kind->has_draws)
    refuse("monte_carlo", fmt::format("\"monte_carlo\" is not available for kind \"{}\"; run the scenario once per draw with --seed and --set", kind->name));
}

Scenario interpret(io::Value document, Diagnostics& diagnostics, std::shared_ptr<const catalog::Catalog> catalog,
                   const LoadOptions& options) {
  diagnostics.throw_if_any();
  io::ReadContext context{diagnostics};
  if (!io::expect_object(document, "", context, "a scenario object")) diagnostics.throw_if_any();
  for (const auto& text : options.overrides) apply_override(document, text);
  for (const auto& patch : options.patches) io::merge_patch(document, patch);
  if (!check_schema(document, diagnostics)) diagnostics.throw_if_any();

  Scenario scenario{.catalog = std::move(catalog)};
  scenario.document = document;
  scenario.kinds = options.kinds;
  const Kind* kind = find_kind(document, options.kinds, diagnostics);
  refuse_unavailable(document, kind, diagnostics);
  const auto [header, own] = split(document, kind);
  Header::record().read(header, "", context, scenario.header);
  if (options.seed) scenario.header.seed = static_cast<std::int64_t>(*options.seed);
  if (options.seed && scenario.header.monte_carlo) scenario.header.monte_carlo->seed.reset();
  if (kind) scenario.model = kind->read(own, *scenario.catalog, diagnostics);
  diagnostics.throw_if_any();
  return scenario;
}

/// The document of a swept scenario that its points start from, with the seeds in force.
io::Value without_sweep(const Scenario& scenario) {
  io::Value document = scenario.document;
  std::erase_if(*document.get_if<io::Value::Object>(), [](const io::Value::Member& member) { return member.key == "sweep"; });
  document["seed"] = io::Value{scenario.header.seed};
  if (auto* draws = document.find("monte_carlo"); draws && draws->get_if<io::Value::Object>() && !scenario.header.monte_carlo->seed)
    std::erase_if(*draws->get_if<io::Value::Object>(), [](const io::Value::Member& member) { return member.key == "seed"; });
  return document;
}

/// Problems that many points share are told once.
void add_new(const InputError& error, Diagnostics& diagnostics) {
  for (const auto& found : error.diagnostics())
    if (std::ranges::none_of(diagnostics.found(), [&](const Diagnostic& known) { return known.text() == found.text(); })) diagnostics.add(found);
}

}  // namespace

io::Value Scenario::resolved() const {
  io::Value document = Header::record().write(header);
  const io::Value own = model->resolved();
  for (const auto& [key, value] : *own.get_if<io::Value::Object>()) document[key] = value;
  return document;
}

Scenario load(const std::string& file, std::shared_ptr<const catalog::Catalog> catalog, const LoadOptions& options) {
  Diagnostics diagnostics;
  io::Value document = DocumentReader{diagnostics}.read_file(file);
  return interpret(std::move(document), diagnostics, std::move(catalog), options);
}

Scenario load_text(const std::string& name, std::string_view text, std::shared_ptr<const catalog::Catalog> catalog,
                   const LoadOptions& options) {
  Diagnostics diagnostics;
  io::Value document = DocumentReader{diagnostics}.read_text(name, text);
  return interpret(std::move(document), diagnostics, std::move(catalog), options);
}

std::vector<SweepPoint> sweep_points(const Scenario& scenario) {
  const Sweep& sweep = *scenario.header.sweep;
  const io::Value base = without_sweep(scenario);
  const core::RandomStream random(static_cast<std::uint64_t>(scenario.header.seed), "sweep");
  Diagnostics all;
  std::vector<SweepPoint> points;
  for (auto& values : sweep_values(sweep, random)) {
    io::Value document = base;
    try {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto& axis = sweep.axes.list[i];
        if (!values[i].place().file) values[i].set_place(axis.written.place());
        io::set_path(document, axis.path, values[i]);
        place_new_objects(document, axis.written.place());
      }
      Diagnostics own;
      Scenario point = interpret(document, own, scenario.catalog, {.kinds = scenario.kinds});
      points.push_back({std::move(values), std::move(point), {}});
    } catch (const InputError& error) {
      if (sweep.bad_points == BadPoints::skip) points.push_back({std::move(values), std::nullopt, error.what()});
      else add_new(error, all);
    }
  }
  all.throw_if_any();
  return points;
}

}  // namespace waferwatt::scenario
