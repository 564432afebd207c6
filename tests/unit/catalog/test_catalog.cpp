// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "waferwatt/catalog/catalog.hpp"

using namespace waferwatt;
namespace fs = std::filesystem;

namespace {

catalog::Catalog shipped() { return catalog::Catalog::load(fs::path{WAFERWATT_SOURCE_DIR} / "models"); }

/// A copy of models/ that a test may spoil.
class SpoiltModels {
 public:
  SpoiltModels() : folder_(fs::temp_directory_path() / ("waferwatt-models-" + std::to_string(std::rand()) + std::to_string(::getpid()))) {
    fs::copy(fs::path{WAFERWATT_SOURCE_DIR} / "models", folder_, fs::copy_options::recursive);
  }
  ~SpoiltModels() { fs::remove_all(folder_); }

  void replace(const std::string& file, const std::string& from, const std::string& to) {
    std::ifstream in(folder_ / file);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    std::ofstream(folder_ / file) << text;
  }
  std::string problems() const {
    try {
      catalog::Catalog::load(folder_);
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  }

 private:
  fs::path folder_;
};

}  // namespace

TEST_CASE("the shipped catalog loads: every value has a source, every source is cited, every id exists") {
  const auto catalog = shipped();
  CHECK(catalog.accelerators.all().size() >= 24);
  CHECK(catalog.language_models.all().size() >= 15);
  CHECK(catalog.companies.all().size() >= 30);
}

TEST_CASE("parameter counts computed from the shape equal the published ones") {
  // Totals within 1.5 %. Active ones within 3 %, with or without the input embedding (it does no work, and some papers count
  // it), or equal once rounded to the whole billions that are published.
  const auto catalog = shipped();
  for (const auto& [id, model] : catalog.language_models.all()) {
    CAPTURE(id);
    CHECK(model.parameters() == Approx(model.total_parameters.value).epsilon(0.015));
    if (!model.active_parameters) continue;
    const double published = model.active_parameters->value, working = model.parameters(true);
    const double with_input = working + static_cast<double>(model.vocabulary.value) * static_cast<double>(model.hidden_size.value);
    const bool is_rounded = std::round(working / 1e9) * 1e9 == published;
    CHECK((is_rounded || published == Approx(working).epsilon(0.03) || published == Approx(with_input).epsilon(0.03)));
  }
}

TEST_CASE("a dense shape by hand: Llama 3 70B") {
  // Attention: 8192 * 128 * (2*64 + 2*8) = 150,994,944; FFN: 3 * 8192 * 28672 = 704,643,072;
  // norms: 2 * 8192. Times 80 layers, plus 2 * 128256 * 8192 + 8192 = 70,553,706,496.
  CHECK(shipped().language_models.at("llama-3-70b").parameters() == Approx(70553706496.0).epsilon(1e-12));
}

TEST_CASE("KV cache per token by hand") {
  const auto catalog = shipped();
  // Llama 3 70B: 80 layers * 2 * 8 heads * 128 * 2 B = 327,680 B.
  CHECK(catalog.language_models.at("llama-3-70b").kv_cache_per_token(catalog::NumberFormat::bf16).in(byte) == Approx(327680));
  // DeepSeek-V3: 61 layers * (512 + 64) * 2 B = 70,272 B.
  CHECK(catalog.language_models.at("deepseek-v3").kv_cache_per_token(catalog::NumberFormat::bf16).in(byte) == Approx(70272));
}

TEST_CASE("H100 equivalents use 8-bit dense rates") {
  const auto catalog = shipped();
  CHECK(catalog.accelerators.at("nvidia-h100-sxm").h100_equivalents() == Approx(1.0).epsilon(0.001));
  CHECK(catalog.accelerators.at("nvidia-h20").h100_equivalents() == Approx(296.0 / 1979).epsilon(0.001));
}

TEST_CASE("an unknown id names the nearest ones") {
  CHECK_THROWS_WITH(shipped().accelerators.at("nvidia-h100-sxn"), Catch::Contains("did you mean \"nvidia-h100-sxm\"?"));
}

TEST_CASE("a catalog problem is told with its file and place") {
  SpoiltModels models;
  SECTION("a fact without a source") {
    models.replace("accelerators/nvidia-h100-sxm.json", "\"source\": \"epoch-ml-hardware-2025\", ", "");
    CHECK_THAT(models.problems(), Catch::Contains("nvidia-h100-sxm.json:5:13: error at /launch: a fact needs a \"source\""));
  }
  SECTION("an unknown source") {
    models.replace("accelerators/nvidia-h100-sxm.json", "epoch-ml-hardware-2025", "epoch-ml-hardware-2026");
    CHECK_THAT(models.problems(), Catch::Contains("unknown source \"epoch-ml-hardware-2026\"; did you mean \"epoch-ml-hardware-2025\"?"));
  }
  SECTION("a guess without a range") {
    models.replace("accelerators/nvidia-h100-sxm.json", "\"high\": \"26.5 mm\"", "\"note\": \"no range\"");
    CHECK_THAT(models.problems(), Catch::Contains("a guess needs a range"));
  }
  SECTION("a link to nowhere") {
    models.replace("accelerators/nvidia-h100-sxm.json", "\"tsmc-n4\"", "\"tsmc-n44\"");
    CHECK_THAT(models.problems(), Catch::Contains("nvidia-h100-sxm.json:7:11: error at /node: unknown process_node \"tsmc-n44\"; did you mean \"tsmc-n4\"?"));
  }
  SECTION("an id that differs from the file") {
    models.replace("accelerators/nvidia-h100-sxm.json", "\"id\": \"nvidia-h100-sxm\"", "\"id\": \"nvidia-h100\"");
    CHECK_THAT(models.problems(), Catch::Contains("id \"nvidia-h100\" differs from the file's name"));
  }
  SECTION("a source nobody cites") {
    models.replace("sources.json", "{\n", "{\n  \"nobody\": {\"title\": \"t\", \"publisher\": \"p\", \"where\": \"w\"},\n");
    CHECK_THAT(models.problems(), Catch::Contains("source \"nobody\" is never cited"));
  }
}

TEST_CASE("a forecast is the newest one known at a date") {
  const auto catalog = shipped();
  const auto& cowos = catalog.packaging_families.at("tsmc-cowos");
  const Date end_2024 = Date::from_civil(2025, 1, 1);
  // November 2023 expected about 26k wafers a month for the end of 2024; it became 36k.
  const auto then = catalog::known_at(cowos.capacity, Date::from_civil(2023, 12, 1)).at(end_2024);
  const auto now = catalog::known_at(cowos.capacity, Date::from_civil(2026, 6, 1)).at(end_2024);
  CHECK(then.in(wafer / month) == Approx(26000));
  CHECK(now > 1.2 * then);
}

TEST_CASE("a guess with an empty range is refused") {
  SpoiltModels models;
  models.replace("memories/hbm3.json", "\"low\": \"100 mm2\"", "\"low\": \"130 mm2\"");
  CHECK_THAT(models.problems(), Catch::Contains("hbm3.json") && Catch::Contains("/die_area/high: a guess needs a range: \"low\" and \"high\" are the same"));
}

TEST_CASE("shares of a packaging line that come to more than the line are refused with their date") {
  SpoiltModels models;
  models.replace("packaging-families/tsmc-cowos.json", "[\"2024-01\", 0.61]", "[\"2024-01\", 0.95]");
  CHECK_THAT(models.problems(), Catch::Contains("/customer_shares: the shares known in") && Catch::Contains("they may not exceed 1"));
}

TEST_CASE("nodes that share each other's capacity are refused") {
  SpoiltModels models;
  models.replace("nodes/tsmc-n5.json", "\"foundry\": \"tsmc\",", "\"foundry\": \"tsmc\", \"capacity_of\": \"tsmc-n4\",");
  CHECK_THAT(models.problems(), Catch::Contains("tsmc-n5.json:4:37: error at /capacity_of: capacity leads in a circle: tsmc-n5 -> tsmc-n4 -> tsmc-n5"));
}

TEST_CASE("yields outside 0 to 1 are refused where they stand") {
  SpoiltModels models;
  models.replace("packaging/tsmc-cowos-l.json", "\"value\": [[\"2024-01\", 0.97]]", "\"value\": [[\"2024-01\", 1.97]]");
  CHECK_THAT(models.problems(), Catch::Contains("tsmc-cowos-l.json") && Catch::Contains("/assembly_yield/value") && Catch::Contains("must be at most 1"));
}

TEST_CASE("columns of whole numbers write repeated ones once, and refuse what is none") {
  const auto read = [](const std::string& text) {
    Diagnostics diagnostics;
    io::ReadContext context(diagnostics);
    catalog::IntegerColumn column;
    io::Codec<catalog::IntegerColumn>::read(io::Value{text}, "/column", context, column, {});
    diagnostics.throw_if_any();
    return column.numbers;
  };
  const std::vector<std::int64_t> numbers{7, 7, 7, -2, 4, 4};
  CHECK(*io::Codec<catalog::IntegerColumn>::write({numbers}).get_if<std::string>() == "7x3 -2 4x2");
  CHECK(read("7x3 -2 4x2") == numbers);
  CHECK(read("7 7 7 -2 4 4") == numbers);
  CHECK_THROWS_WITH(read("7x0 3"), Catch::Contains("\"7x0 3\" is no whole number"));
  CHECK_THROWS_WITH(read("7x 3"), Catch::Contains("is no whole number"));
  CHECK_THROWS_WITH(read("3 x2"), Catch::Contains("\"x2\" is no whole number"));
  CHECK_THROWS_WITH(read("1x9999999999"), Catch::Contains("is no whole number"));
}
