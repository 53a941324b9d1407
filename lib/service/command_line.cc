#include "lib/service/command_line.h"

#include <sstream>

#include "CLI/CLI.hpp"

namespace nodedevice {

void AddLogFlags(CLI::App& app, std::string& format, std::string& level) {
  app.add_option("--log-format", format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
}

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
