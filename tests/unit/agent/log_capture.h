#pragma once

#include <memory>
#include <sstream>
#include <string>

#include "lib/base/log.h"
#include "spdlog/sinks/ostream_sink.h"

namespace nodedevice::testing {

// The program's log goes into a string, message by message, as long as this lives.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
    logger->set_pattern("%v");
    spdlog::set_default_logger(std::move(logger));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // %v, the message, unless something else is set.
  void SetPattern(const std::string& pattern) { spdlog::default_logger()->set_pattern(pattern); }

  std::string text() const { return log_.str(); }

 private:
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace nodedevice::testing
