// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of language models as repositories and tables spell them.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::validation {

/// The catalog's model that "meta-llama/Llama-3.1-8B-Instruct" means: the owner, the tuning, its date and the precision
/// are dropped. \returns null when there is none
const catalog::LanguageModel* find_language_model(std::string path, const catalog::Catalog& catalog);

}  // namespace waferwatt::validation
