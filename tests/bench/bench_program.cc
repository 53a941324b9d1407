#include "tests/bench/bench_program.h"

#include <exception>
#include <iostream>
#include <string_view>

namespace nodedevice::bench {

int RunBenchProgram(CLI::App& app, int argc, char** argv,
                    const std::function<absl::StatusOr<ExitCode>()>& run) {
  const auto fail = [&app](std::string_view why) {
    std::cerr << app.get_name() << ": " << why << std::endl;
    return kError;
  };
  try {
    app.parse(argc, argv);
    const absl::StatusOr<ExitCode> code = run();
    return code.ok() ? *code : fail(std::string(code.status().message()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGoalsMet : kError;
  } catch (const std::exception& error) {  // of the libraries: no directory, no memory
    return fail(error.what());
  }
}

}  // namespace nodedevice::bench
