// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cli/command.hpp"

int main(int argc, char** argv) { return waferwatt::cli::main_status({argv + 1, argv + argc}); }
