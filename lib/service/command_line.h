#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace nodedevice {

// The command line asks for a text (--help, --version) or is wrong: print it and exit.
struct EarlyExit {
  int code = 0;
  std::string text;
};
inline constexpr int kWrongUsage = 2;

// Adds --log-format and --log-level, which take what ConfigureLog() does. Both must live until the
// command line is parsed.
void AddLogFlags(CLI::App& app, std::string& format, std::string& level);

// Fills what the app's options are bound to.
std::optional<EarlyExit> ParseCommandLine(CLI::App& app, int argc, const char* const* argv);

}  // namespace nodedevice
