// SPDX-License-Identifier: Apache-2.0
#pragma once
/// Core holds the vocabulary of every other module: its names are visible in all of them.
namespace waferwatt::core {}
namespace waferwatt {
using namespace core;
}
