#include "lib/service/command_line.h"

#include <sstream>

#include "CLI/CLI.hpp"

namespace nodedevice {

std::optional<EarlyExit> ParseCommandLine(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    return EarlyExit{.code = code == 0 ? 0 : kWrongUsage, .text = out.str() + err.str()};
  }
  return std::nullopt;
}

}  // namespace nodedevice
